//! Whether a webhook is Seam's: signed as Svix signs ("Verifying webhooks manually"), and fresh. Pure.

use base64::{
    Engine,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use hmac::{Hmac, Mac};
use sha2::Sha256;

/// How far the sender's clock and ours may differ, and how late a try may arrive, in seconds.
const TOLERANCE_S: i64 = 300;
/// More signatures are not looked at: there are as many as there are keys while they are changed.
const SIGNATURES: usize = 8;

/// Why a webhook is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// A header is missing or cannot be read.
    Headers,
    /// Sent too long ago, or later than now.
    Stale,
    /// No signature is made with our secret.
    Forged,
    /// The secret of ours cannot be one.
    Secret,
}

/// The headers, as sent.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Signed<'a> {
    /// The message's id, the same on every try.
    pub id: &'a str,
    /// Unix seconds of this try.
    pub timestamp: &'a str,
    /// `v1,…`, several with a blank between.
    pub signatures: &'a str,
}

/// Judges a body as it came over the wire, by a secret like `whsec_…`.
pub(super) fn verify(secret: &str, signed: Signed<'_>, body: &[u8], now_s: i64) -> Result<(), Refusal> {
    let Signed { id, timestamp, signatures } = signed;
    let sent_s: i64 = timestamp.parse().map_err(|_| Refusal::Headers)?;
    if id.is_empty() || id.len() > 256 || signatures.is_empty() {
        return Err(Refusal::Headers);
    }
    let lenient = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let base64 = GeneralPurpose::new(&STANDARD, lenient);
    let key = base64.decode(secret.strip_prefix("whsec_").unwrap_or(secret)).map_err(|_| Refusal::Secret)?;
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).map_err(|_| Refusal::Secret)?;
    for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
        mac.update(part);
    }
    let is_ours = |signature: &str| {
        let tag = signature.strip_prefix("v1,").and_then(|tag| base64.decode(tag).ok());
        // The comparison takes the same time wherever the first difference is.
        tag.is_some_and(|tag| mac.clone().verify_slice(&tag).is_ok())
    };
    if !signatures.split(' ').take(SIGNATURES).any(is_ours) {
        return Err(Refusal::Forged);
    }
    // After the signature, so that nobody learns our clock.
    if now_s.saturating_sub(sent_s).saturating_abs() > TOLERANCE_S {
        return Err(Refusal::Stale);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Refusal, Signed, verify};

    /// As Svix publishes it.
    const A: (&str, &str, &str, &str, &[u8]) = (
        "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
        "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk",
        "1649367553",
        "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=",
        br#"{"email":"test@example.com","username":"test_user"}"#,
    );
    /// Made with Svix's own library.
    const B: (&str, &str, &str, &str, &[u8]) = (
        "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX",
        "msg_sheet1",
        "1700000000",
        "v1,meuXDCX0kI/m4KQley9CoKsYvGMvazObP0V6BxfuWxs=",
        br#"{"event_id":"00000000-0000-4000-8000-000000000001","event_type":"acs_user.deleted"}"#,
    );

    fn judge(vector: (&str, &str, &str, &str, &[u8]), now_s: i64) -> Result<(), Refusal> {
        let (secret, id, timestamp, signatures, body) = vector;
        verify(secret, Signed { id, timestamp, signatures }, body, now_s)
    }

    #[test]
    fn known_vectors_pass_and_no_neighbour_of_theirs_does() {
        for (vector, sent_s) in [(A, 1_649_367_553), (B, 1_700_000_000)] {
            assert_eq!(judge(vector, sent_s), Ok(()));
            let (secret, id, timestamp, signature, body) = vector;
            let bare = secret.strip_prefix("whsec_").unwrap();
            let rotated = format!("v1a,x v1,AAAA v2,{} {signature}", &signature[3..]);
            assert_eq!(judge((bare, id, timestamp, &rotated, body), sent_s), Ok(()), "several, and other versions");
            let (longer, other_id) = ([body, b" "].concat(), format!("{id}x"));
            let later = (sent_s + 1).to_string();
            let other = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
            for changed in [
                (secret, id, timestamp, signature, longer.as_slice()),
                (secret, id, later.as_str(), signature, body),
                (secret, other_id.as_str(), timestamp, signature, body),
                (other, id, timestamp, signature, body),
                (secret, id, timestamp, &signature[3..], body),
                (secret, id, timestamp, "v1,", body),
            ] {
                assert_eq!(judge(changed, sent_s), Err(Refusal::Forged), "{changed:?}");
            }
            for (changed, refusal) in [
                ((secret, "", timestamp, signature, body), Refusal::Headers),
                ((secret, id, "", signature, body), Refusal::Headers),
                ((secret, id, "soon", signature, body), Refusal::Headers),
                ((secret, id, timestamp, "", body), Refusal::Headers),
                (("whsec_ä", id, timestamp, signature, body), Refusal::Secret),
            ] {
                assert_eq!(judge(changed, sent_s), Err(refusal), "{changed:?}");
            }
        }
    }

    #[test]
    fn five_minutes_either_way_are_fresh() {
        for (off_s, wanted) in [(300, Ok(())), (-300, Ok(())), (301, Err(Refusal::Stale)), (-301, Err(Refusal::Stale))]
        {
            assert_eq!(judge(B, 1_700_000_000 + off_s), wanted, "{off_s}");
        }
        let (secret, id, _, signature, body) = B;
        assert_eq!(judge((secret, id, "-9223372036854775808", signature, body), i64::MAX), Err(Refusal::Forged));
    }
}
