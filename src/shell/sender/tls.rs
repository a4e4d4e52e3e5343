//! TLS below SMTP, done here and not by lettre: the handshake gets a deadline
//! and a clear verdict on the certificate, and nothing that arrived before it
//! can be read after it.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};

use super::super::tls::why_untrusted;
use crate::config;

/// Why there is no TLS.
#[derive(Debug)]
pub(super) enum TlsTrouble {
    /// A person has to look: certificate, authorities, protocol version.
    Person(String),
    /// The line broke or carried nonsense.
    Line(String),
}

/// The client side for this server: TLS 1.2 or later, the certificate checked
/// against `ca_file` or else the system's authorities, and against the host name.
pub(super) async fn client(
    server: &config::Smtp,
) -> Result<(Arc<ClientConfig>, ServerName<'static>), TlsTrouble> {
    let roots = match &server.ca_file {
        Some(path) => from_file(path).await?,
        None => tokio::task::spawn_blocking(from_system)
            .await
            .map_err(|_| TlsTrouble::Line("the system's authorities could not be read".to_owned()))??,
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| TlsTrouble::Person(format!("TLS cannot be used: {error}")))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(server.host.clone()).map_err(|_| {
        TlsTrouble::Person("the host is not a name that a certificate can hold; set smtp.host".to_owned())
    })?;
    Ok((Arc::new(config), name))
}

async fn from_file(path: &Path) -> Result<RootCertStore, TlsTrouble> {
    let shown = path.display();
    let pem = tokio::fs::read(path)
        .await
        .map_err(|error| TlsTrouble::Person(format!("cannot read smtp.ca_file {shown}: {}", error.kind())))?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem).flatten() {
        roots.add(certificate).map_err(|_| {
            TlsTrouble::Person(format!("smtp.ca_file {shown} holds a certificate that cannot be read"))
        })?;
    }
    if roots.is_empty() {
        return Err(TlsTrouble::Person(format!("smtp.ca_file {shown} holds no PEM certificate")));
    }
    Ok(roots)
}

fn from_system() -> Result<RootCertStore, TlsTrouble> {
    let mut roots = RootCertStore::empty();
    // Single certificates that cannot be used are common in system stores.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        return Err(TlsTrouble::Person(
            "this system has no certificate authorities; install ca-certificates or set smtp.ca_file"
                .to_owned(),
        ));
    }
    Ok(roots)
}

/// What a failed handshake with `server` means.
pub(super) fn judge(error: &std::io::Error, server: &config::Smtp) -> TlsTrouble {
    let Some(cause) = error.get_ref().and_then(|e| e.downcast_ref::<rustls::Error>()) else {
        return TlsTrouble::Line(format!("the line broke ({})", error.kind()));
    };
    match cause {
        rustls::Error::InvalidCertificate(why) => TlsTrouble::Person(format!(
            "the certificate cannot be trusted: {}",
            why_untrusted(why, "smtp", server.ca_file.as_deref())
        )),
        rustls::Error::NoCertificatesPresented | rustls::Error::PeerIncompatible(_) => {
            TlsTrouble::Person(format!("{cause}; the server offers no TLS that can be trusted"))
        }
        rustls::Error::InvalidMessage(_) => TlsTrouble::Line(
            "what came back is not TLS; check smtp.port and smtp.tls (465 implicit, 587 starttls)".to_owned(),
        ),
        _ => TlsTrouble::Line(cause.to_string()),
    }
}
