//! A private authority and the certificates it signs, for tests of TLS.
#![allow(dead_code, reason = "each test uses what it needs")]

use std::path::PathBuf;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair,
};

/// A private authority, and what it signed, in files.
pub struct Authority {
    pub ca: CertifiedIssuer<'static, KeyPair>,
    directory: tempfile::TempDir,
}

impl Authority {
    pub fn new() -> Authority {
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        // A name of its own, by which others do not take it for theirs.
        let name = uuid::Uuid::new_v4().to_string();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let authority = Authority {
            ca: CertifiedIssuer::self_signed(params, key).expect("a certificate"),
            directory: tempfile::tempdir().expect("a directory"),
        };
        std::fs::write(authority.certificate(), authority.ca.pem()).expect("written");
        authority
    }

    /// The file with its certificate.
    pub fn certificate(&self) -> PathBuf {
        self.directory.path().join("ca.pem")
    }

    pub fn signed(
        &self,
        name: &str,
        usage: ExtendedKeyUsagePurpose,
    ) -> (rcgen::Certificate, KeyPair) {
        let mut params = CertificateParams::new(vec![name.to_owned()]).expect("a name");
        params.extended_key_usages = vec![usage];
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.ca).expect("signed");
        (certificate, key)
    }

    /// The file with a server's certificate and key.
    pub fn server(&self, name: &str) -> PathBuf {
        self.pair(name, ExtendedKeyUsagePurpose::ServerAuth)
    }

    /// The file with a client's certificate and key.
    pub fn client(&self, name: &str) -> PathBuf {
        self.pair(name, ExtendedKeyUsagePurpose::ClientAuth)
    }

    fn pair(&self, name: &str, usage: ExtendedKeyUsagePurpose) -> PathBuf {
        let (certificate, key) = self.signed(name, usage);
        let path = self.directory.path().join(format!("{name}.pem"));
        std::fs::write(&path, certificate.pem() + &key.serialize_pem()).expect("written");
        path
    }
}
