//! Certificates (X.509 v3, P-256) for one test, written by hand: a few fields of DER are less than a dependency.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};

const INTEGER: u8 = 0x02;
const BITS: u8 = 0x03;
const OCTETS: u8 = 0x04;
const OBJECT: u8 = 0x06;
const TEXT: u8 = 0x0c;
const TIME: u8 = 0x17;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;

const EC_PUBLIC_KEY: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const ECDSA_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 0x13];
const ALTERNATIVE_NAMES: &[u8] = &[0x55, 0x1d, 0x11];

/// A certificate with its key.
pub(super) struct Identity {
    name: String,
    key: EcdsaKeyPair,
    key_der: Vec<u8>,
    certificate: Vec<u8>,
}

/// Returns one value of DER.
fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let mut out = vec![tag];
    match length {
        0..128 => out.push(u8::try_from(length).unwrap()),
        128..256 => out.extend([0x81, u8::try_from(length).unwrap()]),
        _ => {
            let bytes = u16::try_from(length).unwrap().to_be_bytes();
            out.push(0x82);
            out.extend(bytes);
        }
    }
    out.extend(content);
    out
}

fn all(tag: u8, parts: &[Vec<u8>]) -> Vec<u8> {
    der(tag, &parts.concat())
}

fn name(text: &str) -> Vec<u8> {
    let pair = all(SEQUENCE, &[der(OBJECT, COMMON_NAME), der(TEXT, text.as_bytes())]);
    der(SEQUENCE, &der(SET, &pair))
}

fn bits(bytes: &[u8]) -> Vec<u8> {
    der(BITS, &[&[0], bytes].concat())
}

/// Returns the extensions: an authority may sign others, everybody else is `localhost` and 127.0.0.1.
fn extensions(is_authority: bool) -> Vec<u8> {
    let (object, critical, value) = if is_authority {
        (BASIC_CONSTRAINTS, true, der(SEQUENCE, &[0x01, 0x01, 0xff]))
    } else {
        let names = [der(0x82, b"localhost"), der(0x87, &[127, 0, 0, 1])];
        (ALTERNATIVE_NAMES, false, all(SEQUENCE, &names))
    };
    let critical = if critical { vec![0x01, 0x01, 0xff] } else { Vec::new() };
    let extension = all(SEQUENCE, &[der(OBJECT, object), critical, der(OCTETS, &value)]);
    der(0xa3, &der(SEQUENCE, &extension))
}

fn pem(kind: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<&str> =
        text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {kind}-----\n{}\n-----END {kind}-----\n", lines.join("\n"))
}

impl Identity {
    /// Makes an authority that signs itself.
    pub(super) fn authority(name: &str) -> Identity {
        Identity::new(name, None)
    }

    /// Makes a server or a client that this authority signs.
    pub(super) fn sign(&self, name: &str) -> Identity {
        Identity::new(name, Some(self))
    }

    fn new(subject: &str, authority: Option<&Identity>) -> Identity {
        let random = SystemRandom::new();
        let algorithm = &ECDSA_P256_SHA256_ASN1_SIGNING;
        let key_der = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap().as_ref().to_vec();
        let key = EcdsaKeyPair::from_pkcs8(algorithm, &key_der, &random).unwrap();
        let signed_with = der(SEQUENCE, &der(OBJECT, ECDSA_SHA256));
        let issuer = authority.map_or(subject, |authority| &authority.name);
        let times = [der(TIME, b"200101000000Z"), der(TIME, b"491231235959Z")];
        let kind = all(SEQUENCE, &[der(OBJECT, EC_PUBLIC_KEY), der(OBJECT, P256)]);
        let body = all(
            SEQUENCE,
            &[
                der(0xa0, &der(INTEGER, &[2])),
                der(INTEGER, &[if authority.is_some() { 2 } else { 1 }]),
                signed_with.clone(),
                name(issuer),
                all(SEQUENCE, &times),
                name(subject),
                all(SEQUENCE, &[kind, bits(key.public_key().as_ref())]),
                extensions(authority.is_none()),
            ],
        );
        let signer = authority.map_or(&key, |authority| &authority.key);
        let signature = signer.sign(&random, &body).unwrap();
        let certificate = all(SEQUENCE, &[body, signed_with, bits(signature.as_ref())]);
        Identity { name: subject.to_owned(), key, key_der, certificate }
    }

    /// Writes certificate and key into `folder`; returns both paths.
    pub(super) fn write(&self, folder: &Path) -> (String, String) {
        let write = |suffix: &str, text: &str| {
            super::file(folder, &format!("{}.{suffix}", self.name), text)
        };
        (
            write("pem", &pem("CERTIFICATE", &self.certificate)),
            write("key", &pem("PRIVATE KEY", &self.key_der)),
        )
    }
}
