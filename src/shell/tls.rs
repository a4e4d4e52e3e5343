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
    let authorities = ca_file.map(Path::to_owned);
    let config = tokio::task::spawn_blocking(move || client_config(authorities.as_deref()))
        .await
        .map_err(|_| Fault::Transient("reading the certificate authorities was cut short".into()))?;
    TlsConnector::from(Arc::new(config?))
        .connect(name, line)
        .await
        .map_err(|error| handshake_fault(host, ca_file, &error))
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
        roots.add(certificate).map_err(|_| unusable("a certificate in it cannot be read".into()))?;
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

fn handshake_fault(host: &str, ca_file: Option<&Path>, error: &std::io::Error) -> Fault {
    let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match tls {
        Some(rustls::Error::InvalidCertificate(why)) => Fault::NeedsHuman(format!(
            "the certificate of {host} cannot be trusted: {}",
            why_untrusted(why, "imap", ca_file)
        )),
        _ => Fault::Transient(format!("TLS with {host} failed: {error}")),
    }
}

/// What is wrong with a certificate, and what to do about it, in the same words
/// each time. `table` holds the keys of the server, and `ca_file` if it is set.
pub(super) fn why_untrusted(why: &CertificateError, table: &str, ca_file: Option<&Path>) -> String {
    match why {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "it has expired, or this machine's clock is wrong; have it renewed".to_owned()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "it is not valid yet, or this machine's clock is wrong".to_owned()
        }
        // A bad signature: the authority's name is known, and its key is another one by now.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => match ca_file {
            None => format!(
                "no authority that this system knows vouches for it; correct {table}.host, or set \
                 {table}.ca_file to the server's authority when it is one of your own"
            ),
            Some(path) => format!(
                "no authority in {table}.ca_file ({}) vouches for it; it must hold the certificate of \
                 the authority that signed the server's",
                path.display()
            ),
        },
        CertificateError::NotValidForNameContext { presented, .. } if !presented.is_empty() => {
            format!("it is for {}; set {table}.host to a name in it", names(presented))
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => format!(
            "it does not hold the name in {table}.host; correct that, or make it anew with that name as \
             subjectAltName"
        ),
        CertificateError::Other(cause) if cause.0.to_string() == AUTHORITY => {
            let set = ca_file.map_or_else(|| format!(", and set it as {table}.ca_file"), |_| String::new());
            format!(
                "it is an authority's own (CA:TRUE), which no server may show; make it anew with \
                 basicConstraints=CA:FALSE{set}, or have it signed by an authority of your own"
            )
        }
        CertificateError::Other(cause) => sentence(&cause.0.to_string()),
        other => sentence(&other.to_string()),
    }
}

/// How the verifier below rustls calls an authority's certificate in a server's place.
const AUTHORITY: &str = "CaUsedAsEndEntity";

/// The names of a certificate, which come as in `DnsName("mail.example.org")`.
fn names(presented: &[String]) -> String {
    let bare = presented.iter().map(|name| {
        let inside = name.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')')).unwrap_or(name);
        inside.trim_matches('"')
    });
    bare.collect::<Vec<_>>().join(", ")
}

/// rustls has only a name for most troubles, as in `BadSignature`.
fn sentence(name: &str) -> String {
    let mut words = String::new();
    for letter in name.chars().take_while(char::is_ascii_alphanumeric) {
        if letter.is_ascii_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.push(letter.to_ascii_lowercase());
    }
    format!("{words}; the server needs another one")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rustls::pki_types::UnixTime;

    use super::*;

    #[test]
    fn a_ca_file_without_certificates_is_refused_by_name() {
        let folder = tempfile::tempdir().expect("temp dir");
        let path = folder.path().join("empty.pem");
        std::fs::write(&path, "nothing here").expect("write");
        let fault = client_config(Some(&path)).expect_err("no certificate");
        assert!(matches!(&fault, Fault::NeedsHuman(m) if m.contains("empty.pem")));
    }

    #[test]
    fn what_is_wrong_with_a_certificate_is_said_in_words() {
        let at = |seconds| UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        let name = |names: &[&str]| CertificateError::NotValidForNameContext {
            expected: ServerName::try_from("mail.example.org").expect("a name"),
            presented: names.iter().map(|name| (*name).to_owned()).collect(),
        };
        let cases = [
            (CertificateError::ExpiredContext { time: at(9), not_after: at(5) }, "it has expired"),
            (CertificateError::NotValidYetContext { time: at(5), not_before: at(9) }, "not valid yet"),
            (CertificateError::UnknownIssuer, "set imap.ca_file"),
            (name(&["DnsName(\"a.example\")", "IpAddress(127.0.0.1)"]), "it is for a.example, 127.0.0.1;"),
            (name(&[]), "does not hold the name"),
            (CertificateError::NotValidForName, "does not hold the name"),
            (CertificateError::BadSignature, "set imap.ca_file"),
            (CertificateError::Revoked, "revoked;"),
            (CertificateError::BadEncoding, "bad encoding;"),
        ];
        for (why, words) in cases {
            let said = why_untrusted(&why, "imap", None);
            assert!(said.contains(words), "{said}");
            assert!(!said.contains("(UNIX)") && !said.contains('"') && !said.contains("Name("), "{said}");
        }
        let said = why_untrusted(&CertificateError::UnknownIssuer, "imap", Some(Path::new("/etc/ca.pem")));
        assert!(said.contains("/etc/ca.pem") && !said.contains("set "), "{said}");
    }
}
