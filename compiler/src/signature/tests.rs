//! What holds, and each way in which it does not.

use super::*;

const ARTIFACT: &[u8] = b"{\n  \"artifact\": 1,\n  \"digest\": \"blake3:00ff\"\n}\n";
const OTHER: &[u8] = b"{\n  \"artifact\": 1,\n  \"digest\": \"blake3:11ee\"\n}\n";

fn key(number: u8) -> SecretKey {
    SecretKey::from_random(&[number; 32])
}

#[test]
fn a_signature_holds_for_its_bytes_and_its_key_alone() {
    let line = sign(ARTIFACT, &key(1));
    let signers = verify(ARTIFACT, &line, &[key(2).public(), key(1).public()]).unwrap();
    assert_eq!(signers, [key(1).public()]);
    assert_eq!(verify(ARTIFACT, &line, &[]).unwrap().len(), 1, "nobody was said to be trusted");
    let untrusted = SignatureError::Untrusted { keys: vec![key(1).public()] };
    assert_eq!(verify(ARTIFACT, &line, &[key(2).public()]), Err(untrusted));
    assert!(matches!(verify(OTHER, &line, &[]), Err(SignatureError::Other { line: 1, .. })));
}

#[test]
fn no_byte_of_the_artifact_can_change() {
    let line = sign(ARTIFACT, &key(1));
    for at in 0..ARTIFACT.len() {
        for bit in [1_u8, 0x80] {
            let mut edited = ARTIFACT.to_vec();
            edited[at] ^= bit;
            assert!(verify(&edited, &line, &[]).is_err(), "byte {at}");
        }
        assert!(verify(&ARTIFACT[..at], &line, &[]).is_err(), "cut at {at}");
    }
    let longer = [ARTIFACT, b" "].concat();
    assert!(matches!(verify(&longer, &line, &[]), Err(SignatureError::Broken { line: 1, .. })));
}

#[test]
fn no_character_of_the_signature_can_change() {
    let line = sign(ARTIFACT, &key(1));
    for (at, _) in line.char_indices() {
        let mut edited = line.clone().into_bytes();
        edited[at] = if edited[at] == b'A' { b'B' } else { b'A' };
        let edited = String::from_utf8(edited).unwrap();
        assert!(verify(ARTIFACT, &edited, &[]).is_err(), "{edited}");
        assert!(verify(ARTIFACT, &line[..at], &[]).is_err(), "{}", &line[..at]);
    }
}

#[test]
fn a_signature_cannot_be_given_to_another_key() {
    let (mine, yours) = (sign(ARTIFACT, &key(1)), sign(ARTIFACT, &key(2)));
    let swapped = mine.replace(&key(1).public().to_string(), &key(2).public().to_string());
    assert_ne!(mine, swapped);
    let broken = SignatureError::Broken { line: 1, key: key(2).public() };
    assert_eq!(verify(ARTIFACT, &swapped, &[]), Err(broken));
    let both = format!("{mine}\n{yours}\n");
    assert_eq!(verify(ARTIFACT, &both, &[key(2).public()]).unwrap().len(), 2);
    let one_broken = format!("{yours}\n{swapped}\n");
    let broken = SignatureError::Broken { line: 2, key: key(2).public() };
    assert_eq!(verify(ARTIFACT, &one_broken, &[]), Err(broken), "each line must hold");
}

#[test]
fn a_signature_made_for_something_else_does_not_fit() {
    let raw = key(1).0.sign(ARTIFACT);
    let line = Line {
        signature: FORMAT,
        key: key(1).public().to_string(),
        digest: "blake3:00ff".to_owned(),
        bytes: STANDARD.encode(raw.to_bytes()),
    };
    let text = serde_json::to_string(&line).unwrap();
    assert!(matches!(verify(ARTIFACT, &text, &[]), Err(SignatureError::Broken { .. })));
}

#[test]
fn a_file_without_signatures_signs_nothing() {
    assert_eq!(verify(ARTIFACT, "", &[]), Err(SignatureError::Count { count: 0 }));
    let line = sign(ARTIFACT, &key(1));
    let many = format!("{line}\n").repeat(SIGNATURES_MAX + 1);
    assert!(matches!(verify(ARTIFACT, &many, &[]), Err(SignatureError::Count { count: 65 })));
    let newer = line.replace("\"signature\":1", "\"signature\":2");
    let error = verify(ARTIFACT, &newer, &[]).unwrap_err();
    assert_eq!(error.to_string(), "line 1 is no signature: it has format 2, not 1");
    let more = line.replace("{\"", "{\"more\":1,\"");
    assert!(matches!(verify(ARTIFACT, &more, &[]), Err(SignatureError::Shape { .. })));
    assert!(matches!(verify(ARTIFACT, "\n", &[]), Err(SignatureError::Shape { .. })));
}

#[test]
fn keys_are_read_as_they_are_written() {
    let written = key(7).to_file_text();
    assert_eq!(SecretKey::from_file_text(&written).unwrap().public(), key(7).public());
    let public = key(7).public().to_string();
    assert_eq!(public.parse(), Ok(key(7).public()));
    let file = format!("# the build's\n\n{public}\n  {}\n", key(8).public());
    assert_eq!(parse_public_keys(&file).unwrap(), [key(7).public(), key(8).public()]);
}

#[test]
fn what_is_no_key_is_refused_without_being_shown() {
    let secret = key(7).to_file_text();
    let line = secret.lines().last().unwrap();
    assert_eq!(parse_public_keys(&secret), Err(KeyError::SecretGiven));
    let cut = &line[..line.len() - 4];
    for text in ["", cut, "ed25519-secret:====", &format!("{line}\n{line}\n")] {
        let error = SecretKey::from_file_text(text).unwrap_err();
        assert_eq!(error, KeyError::Secret);
        assert!(text.is_empty() || !error.to_string().contains(text));
    }
    let shown = format!("{:?}", key(7));
    assert!(!shown.contains(line.trim_start_matches(SECRET_PREFIX)), "{shown}");
    // All zeros is a point of small order: everybody's signature would hold.
    let weak = format!("{PUBLIC_PREFIX}{}", STANDARD.encode([0_u8; 32]));
    assert_eq!(weak.parse::<PublicKey>(), Err(KeyError::Public));
    assert_eq!("ed25519:AAAA".parse::<PublicKey>(), Err(KeyError::Public));
    assert_eq!("rsa:AAAA".parse::<PublicKey>(), Err(KeyError::Public));
}
