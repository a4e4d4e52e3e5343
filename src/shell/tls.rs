//! The TLS client: system authorities, or the one a config names instead.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{CertificateError, ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::domain::Fault;

/// Wraps `line` in TLS 1.2 or 1.3; `host` must stand in the certificate (RFC 9525).
/// The caller puts a deadline on it.
///
/// # Errors
/// `NeedsHuman` when the authorities cannot be read or the certificate is not
/// to be trusted, `Transient` when the line broke.
pub(super) async fn handshake<L>(line: L, host: &str, ca_file: Option<&Path>) -> Result<TlsStream<L>, Fault>
where
    L: AsyncRead + AsyncWrite + Unpin,
{
    let name = ServerName::try_from(host.to_owned()).map_err(|_| {
        Fault::NeedsHuman(format!(
            "{host} is neither a host name nor an IP address, so no certificate can be checked \
             against it; correct `host`"
        ))
    })?;
    let ca_file = ca_file.map(Path::to_owned);
    let config = tokio::task::spawn_blocking(move || client_config(ca_file.as_deref()))
        .await
        .map_err(|_| Fault::Transient("reading the certificate authorities was cut short".into()))?;
    TlsConnector::from(Arc::new(config?))
        .connect(name, line)
        .await
        .map_err(|error| handshake_fault(host, &error))
}

/// A client configuration that trusts `ca_file` (PEM), or the system's
/// authorities when there is none. Reads files.
///
/// # Errors
/// `NeedsHuman` when no usable authority is found.
pub(super) fn client_config(ca_file: Option<&Path>) -> Result<ClientConfig, Fault> {
    let roots = match ca_file {
        Some(path) => file_roots(path)?,
        None => system_roots()?,
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Fault::NeedsHuman(format!("TLS cannot be set up: {error}")))?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

fn file_roots(path: &Path) -> Result<RootCertStore, Fault> {
    let unusable = |what: String| {
        Fault::NeedsHuman(format!(
            "`ca_file` {}: {what}; it must hold certificates in PEM form",
            path.display()
        ))
    };
    let mut roots = RootCertStore::empty();
    let certificates = CertificateDer::pem_file_iter(path).map_err(|error| unusable(error.to_string()))?;
    for certificate in certificates {
        let certificate = certificate.map_err(|error| unusable(error.to_string()))?;
        roots.add(certificate).map_err(|error| unusable(error.to_string()))?;
    }
    if roots.is_empty() {
        return Err(unusable("no certificate in it".into()));
    }
    Ok(roots)
}

fn system_roots() -> Result<RootCertStore, Fault> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    // A system store may hold relics that no longer parse; the rest is good.
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        return Err(Fault::NeedsHuman(
            "no certificate authorities on this system; install the package ca-certificates, \
             or set `ca_file`"
                .into(),
        ));
    }
    Ok(roots)
}

fn handshake_fault(host: &str, error: &std::io::Error) -> Fault {
    let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match tls {
        Some(rustls::Error::InvalidCertificate(why)) => Fault::NeedsHuman(format!(
            "the certificate of {host} cannot be trusted: {}; correct `host`, or set `ca_file` \
             when the server is one of your own",
            why_untrusted(why)
        )),
        _ => Fault::Transient(format!("TLS with {host} failed: {error}")),
    }
}

/// What is wrong with a certificate, in the same words each time: rustls tells the
/// second of the look, and a person is told anew of what has other words.
pub(super) fn why_untrusted(why: &CertificateError) -> String {
    match why {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "it has expired, or this machine's clock is wrong".to_owned()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "it is not valid yet, or this machine's clock is wrong".to_owned()
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ca_file_without_certificates_is_refused_by_name() {
        let folder = tempfile::tempdir().expect("temp dir");
        let path = folder.path().join("empty.pem");
        std::fs::write(&path, "nothing here").expect("write");
        let fault = client_config(Some(&path)).expect_err("no certificate");
        assert!(matches!(&fault, Fault::NeedsHuman(m) if m.contains("empty.pem")));
    }
}
