//! A certificate authority of the test's own.

use std::path::PathBuf;
use std::sync::Arc;

use rcgen::{BasicConstraints, Certificate, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use tempfile::TempDir;

/// An authority, one certificate of it, and the files they are in.
pub struct Authority {
    folder: TempDir,
    server: Arc<ServerConfig>,
}

impl Authority {
    /// One whose own certificate is the server's, as `openssl req -x509` makes it unless told otherwise.
    pub fn in_the_servers_place(names: &[&str]) -> Self {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).expect("names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("key");
        let certificate = params.self_signed(&key).expect("self-signed");
        Self::keeping(&certificate, &certificate, &key)
    }

    /// An authority that vouches for a server with these host names or IP addresses.
    pub fn vouching_for(names: &[&str]) -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "An authority for one test");
        let key = KeyPair::generate().expect("key");
        let authority = params.self_signed(&key).expect("self-signed");
        let issuer = Issuer::new(params, key);

        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let key = KeyPair::generate().expect("key");
        let certificate =
            CertificateParams::new(names).expect("names").signed_by(&key, &issuer).expect("signed");
        Self::keeping(&authority, &certificate, &key)
    }

    fn keeping(authority: &Certificate, certificate: &Certificate, key: &KeyPair) -> Self {
        let folder = tempfile::tempdir().expect("temp dir");
        let write = |name: &str, text: String| {
            std::fs::write(folder.path().join(name), text).expect("write");
        };
        write("ca.pem", authority.pem());
        write("cert.pem", certificate.pem());
        write("key.pem", key.serialize_pem());

        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let server = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivateKeyDer::from_pem_slice(key.serialize_pem().as_bytes()).expect("key"),
            )
            .expect("certificate and key");
        Self { folder, server: Arc::new(server) }
    }

    /// The authority's own certificate, to be trusted.
    pub fn ca_file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// The server's certificate.
    pub fn cert_file(&self) -> PathBuf {
        self.folder.path().join("cert.pem")
    }

    /// The server's key.
    pub fn key_file(&self) -> PathBuf {
        self.folder.path().join("key.pem")
    }

    /// Both in one file's text.
    pub fn certificate_and_key(&self) -> String {
        let read = |path| std::fs::read_to_string(path).expect("read");
        read(self.cert_file()) + &read(self.key_file())
    }

    /// The server's side of TLS.
    pub fn server(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.server)
    }
}
