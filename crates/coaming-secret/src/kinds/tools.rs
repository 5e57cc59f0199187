//! Tools of developers and operators, domains, finance, media and language models, by the formats
//! that they document.

use super::{Definition, UUID, named, prefixed};
use crate::check;

/// Sixty-four hexadecimal digits.
const DIGITS_64: &str = "[a-f0-9]{64}";

pub(super) const KINDS: &[Definition] = &[
    prefixed("astra-db-token", "Astra DB token", &["AstraCS:"], "[A-Za-z]{24}:[a-f0-9]{64}"),
    prefixed(
        "proxmox-api-token",
        "Proxmox API token",
        &["PVEAPIToken=", "PBSAPIToken="],
        r"[A-Za-z0-9_.-]{1,60}@[A-Za-z0-9_.-]{1,30}![A-Za-z0-9_.-]{1,60}[=:][0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    ),
    // RFC 8959: what starts so is a secret, no matter who issued it.
    prefixed(
        "secret-token-uri",
        "Secret token",
        &["secret-token:"],
        "[A-Za-z0-9._~%!+=:@-]{16,400}",
    )
    .checked(check::random),
    prefixed("cast-ai-api-key", "CAST AI API key", &["castai_v1_"], "[a-f0-9]{64}_[a-f0-9]{8}"),
    prefixed(
        "headscale-key",
        "Headscale key",
        &["hskey-auth-", "hskey-api-"],
        "[A-Za-z0-9_-]{12}-[A-Za-z0-9_-]{64}",
    ),
    prefixed(
        "logfire-token",
        "Pydantic Logfire token",
        &["pylf_v1_us_", "pylf_v1_eu_", "pylf_v2_us_", "pylf_v2_eu_"],
        "[A-Za-z0-9]{40,64}",
    ),
    prefixed("appwrite-api-key", "Appwrite API key", &["standard_"], "[a-f0-9]{256}"),
    prefixed(
        "dnsimple-token",
        "DNSimple access token",
        &["dnsimple_a_", "dnsimple_u_"],
        "[A-Za-z0-9]{32}",
    ),
    // The other half of the pair, `pk1_`, is public by its provider.
    prefixed("porkbun-secret-key", "Porkbun secret API key", &["sk1_"], DIGITS_64),
    prefixed("upcloud-token", "UpCloud API token", &["ucat_"], "[A-Z0-9]{26}"),
    prefixed("browserbase-api-key", "Browserbase API key", &["bb_live_"], "[A-Za-z0-9_-]{27,40}")
        .checked(check::random),
    prefixed(
        "crossmint-secret-key",
        "Crossmint server key",
        &["sk_production_", "sk_staging_"],
        "[A-Za-z0-9]{60,250}",
    ),
    prefixed("daytona-api-key", "Daytona API key", &["dtn_"], DIGITS_64),
    prefixed(
        "helicone-api-key",
        "Helicone API key",
        &["sk-helicone-", "sk-helicone-eu-"],
        "[a-z0-9]{7}(?:-[a-z0-9]{7}){3}",
    ),
    prefixed("nylas-api-key", "Nylas API key", &["nyk_v0_"], "[A-Za-z0-9]{60,70}"),
    prefixed("tigris-secret-key", "Tigris secret access key", &["tsec_"], "[A-Za-z0-9+/_-]{60,70}"),
    prefixed("chief-tools-token", "Chief Tools token", &["ctp_"], "[A-Za-z0-9]{36}")
        .checked(check::random),
    prefixed("llamacloud-api-key", "LlamaCloud API key", &["llx-"], "[A-Za-z0-9]{48}"),
    prefixed("chromatic-project-token", "Chromatic project token", &["chpt_"], "[a-f0-9]{15}"),
    prefixed("letta-api-key", "Letta API key", &["sk-let-"], "[A-Za-z0-9+/]{80,200}={0,2}"),
    prefixed("mem0-api-key", "Mem0 API key", &["m0-"], "[A-Za-z0-9]{40}").checked(check::random),
    prefixed("val-town-token", "Val Town API token", &["vtwn_"], "[A-Za-z0-9]{24,60}")
        .checked(check::random),
    prefixed(
        "depot-token",
        "Depot token",
        &["depot_project_", "depot_org_", "depot_user_"],
        DIGITS_64,
    ),
    prefixed(
        "phase-token",
        "Phase token",
        &["pss_user:v", "pss_service:v"],
        "[0-9]:[a-f0-9]{64}(?::[a-f0-9]{64,128}){2,3}",
    ),
    prefixed("dotenv-vault-key", "dotenv-vault key", &["dotenv://:key_"], DIGITS_64),
    prefixed(
        "boundary-app-token",
        "Boundary app token",
        &["appt_"],
        "[A-Za-z0-9]{10}_[A-Za-z0-9]{60,400}",
    ),
    prefixed("quicknode-api-key", "QuickNode API key", &["QN_"], "[a-f0-9]{32}"),
    prefixed("coingecko-api-key", "CoinGecko API key", &["CG-"], "[A-Za-z0-9]{24}")
        .checked(check::random),
    prefixed("brex-token", "Brex user token", &["bxt_"], "[A-Za-z0-9]{32,64}")
        .checked(check::random),
    prefixed("permit-api-key", "Permit.io API key", &["permit_key_"], "[A-Za-z0-9]{60,120}"),
    prefixed("builder-io-private-key", "Builder.io private key", &["bpk-"], "[a-f0-9]{32}"),
    prefixed(
        "radar-secret-key",
        "Radar secret key",
        &["prj_live_sk_", "prj_test_sk_"],
        "[a-f0-9]{40}",
    ),
    prefixed("portainer-access-token", "Portainer access token", &["ptr_"], "[A-Za-z0-9+/]{43}="),
    prefixed("nexus-npm-token", "Nexus npm token", &["NpmToken."], UUID),
    prefixed("devin-api-key", "Devin API key", &["apk_user_"], "[A-Za-z0-9+/]{60,200}={0,2}"),
    prefixed("guilded-bot-token", "Guilded bot token", &["gapi_"], "[A-Za-z0-9+/]{86}=="),
    prefixed("firehydrant-token", "FireHydrant bot token", &["fhb-"], "[a-f0-9]{32}"),
    prefixed(
        "liveblocks-secret-key",
        "Liveblocks secret key",
        &["sk_dev_", "sk_prod_"],
        "[A-Za-z0-9_-]{64}",
    ),
    named(
        "pushbullet-access-token",
        "Pushbullet access token",
        &["pushbullet"],
        r"o\.[A-Za-z0-9]{32}",
    ),
    named(
        "proxmox-token",
        "Proxmox API token",
        &["proxmox", "pve", "pm_api_token"],
        r"(?:[A-Za-z0-9_.-]{1,60}@[A-Za-z0-9_.-]{1,30}![A-Za-z0-9_.-]{1,60}=)?[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    ),
    // The identifier of a vault (`vlt_`) is public: it is in files that are made to be committed.
    prefixed(
        "dotenv-vault-credential",
        "dotenv-vault credential",
        &["DOTENV_ME=me_", "DOTENV_ME=\"me_"],
        DIGITS_64,
    ),
    named("tatum-api-key", "Tatum API key", &["tatum"], "t-[a-f0-9]{24}-[a-f0-9]{24}"),
    named(
        "boundary-token",
        "Boundary token",
        &["boundary"],
        "at_[A-Za-z0-9]{10}_s1[A-Za-z0-9]{40,400}",
    ),
    named("runway-api-key", "Runway API key", &["runway"], "key_[a-f0-9]{128}"),
    named("cursor-api-key", "Cursor API key", &["cursor"], "key_[a-f0-9]{64}"),
    named("percy-token", "Percy token", &["percy"], "(?:web|auto|app|ss|vmw|res)_[a-f0-9]{64}"),
    named("checkly-api-key", "Checkly API key", &["checkly"], "(?:cu|sv)_[a-f0-9]{32}"),
    named("dash0-token", "Dash0 token", &["dash0"], "auth_[A-Za-z0-9]{32}"),
    named("hcaptcha-secret", "hCaptcha secret", &["hcaptcha"], "ES_[a-f0-9]{32}|0x[A-Fa-f0-9]{40}"),
    named(
        "imagekit-private-key",
        "ImageKit private key",
        &["imagekit"],
        "private_[A-Za-z0-9+/]{27}=",
    ),
    named(
        "blockfrost-project-id",
        "Blockfrost project ID",
        &["blockfrost"],
        "(?:mainnet|preprod|preview|ipfs)[A-Za-z0-9]{32,34}",
    ),
    named("buf-token", "Buf token", &["buf_token", "buf-token"], DIGITS_64),
    named(
        "dotenvx-private-key",
        "dotenvx private key",
        &["dotenv_private_key", "dotenv_key"],
        DIGITS_64,
    ),
    named(
        "infobip-api-key",
        "Infobip API key",
        &["infobip"],
        "[a-f0-9]{32}-[a-f0-9]{8}(?:-[a-f0-9]{4}){3}-[a-f0-9]{12}",
    ),
    named("ghost-admin-key", "Ghost Admin API key", &["ghost"], "[a-f0-9]{24}:[a-f0-9]{64}"),
    named(
        "unleash-token",
        "Unleash API token",
        &["unleash"],
        r"(?:\*|\[\]|[A-Za-z0-9_-]{1,60}):(?:\*|[A-Za-z0-9_-]{1,60})\.[a-f0-9]{56,64}",
    ),
    named("influxdb-token", "InfluxDB token", &["influx"], "[A-Za-z0-9_-]{86}=="),
    named(
        "bluesky-app-password",
        "Bluesky app password",
        &["bluesky", "bsky", "atproto"],
        "[a-z2-7]{4}(?:-[a-z2-7]{4}){3}",
    ),
    named(
        "apple-app-specific-password",
        "Apple app-specific password",
        &["application_specific_password", "app_specific_password", "apple_app_password"],
        "[a-z]{4}(?:-[a-z]{4}){3}",
    ),
    named(
        "nextcloud-app-password",
        "Nextcloud app password",
        &["nextcloud"],
        "[A-Za-z0-9]{5}(?:-[A-Za-z0-9]{5}){4}",
    ),
    named("packagecloud-token", "packagecloud token", &["packagecloud"], "[a-f0-9]{48}"),
    named("cypress-record-key", "Cypress record key", &["cypress_record_key"], UUID),
    named("codefresh-api-key", "Codefresh API key", &["codefresh"], r"[a-f0-9]{24}\.[a-f0-9]{32}"),
    named(
        "deepl-api-key",
        "DeepL API key",
        &["deepl"],
        "[a-f0-9]{8}(?:-[a-f0-9]{4}){3}-[a-f0-9]{12}(?::fx)?",
    ),
    named(
        "fal-api-key",
        "fal API key",
        &["fal_key", "fal_api_key"],
        "[a-f0-9]{8}(?:-[a-f0-9]{4}){3}-[a-f0-9]{12}:[a-f0-9]{32}",
    ),
    named("sanity-api-token", "Sanity API token", &["sanity"], "sk[A-Za-z0-9]{100,200}"),
];

#[cfg(test)]
mod tests {
    use crate::{TextKind, detector};

    /// Letters and digits that look random, of one of three alphabets.
    fn random(alphabet: &str, length: usize) -> String {
        let mut state = 0x9E37_79B9_u32;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            state as usize
        };
        let letters: Vec<char> = alphabet.chars().collect();
        (0..length).map(|_| letters[next() % letters.len()]).collect()
    }

    const HEX: &str = "0123456789abcdef";
    const MIXED: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    const LOWER: &str = "abcdefghijklmnopqrstuvwxyz";

    fn hex(length: usize) -> String {
        random(HEX, length)
    }

    fn mixed(length: usize) -> String {
        random(MIXED, length)
    }

    fn uuid() -> String {
        let digits = hex(32);
        let parts = [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]];
        parts.join("-")
    }

    fn groups(text: &str, length: usize) -> String {
        let letters: Vec<char> = text.chars().collect();
        let parts: Vec<String> = letters.chunks(length).map(|part| part.iter().collect()).collect();
        parts.join("-")
    }

    /// For each kind, the name of a setting with a token of it, in parts, so that no scanner
    /// reports this file as a leak.
    fn examples() -> Vec<(&'static str, &'static str, String)> {
        let token = |prefix: &str, rest: String| [prefix, &rest].concat();
        vec![
            (
                "astra-db-token",
                "x",
                token("AstraCS:", format!("{}:{}", random(&MIXED[..52], 24), hex(64))),
            ),
            ("proxmox-api-token", "x", token("PVEAPIToken=", format!("root@pam!ci={}", uuid()))),
            ("secret-token-uri", "x", token("secret-token:", mixed(32))),
            ("cast-ai-api-key", "x", token("castai_v1_", format!("{}_{}", hex(64), hex(8)))),
            ("headscale-key", "x", token("hskey-auth-", format!("{}-{}", mixed(12), mixed(64)))),
            ("logfire-token", "x", token("pylf_v1_us_", mixed(43))),
            ("appwrite-api-key", "x", token("standard_", hex(256))),
            ("dnsimple-token", "x", token("dnsimple_a_", mixed(32))),
            ("porkbun-secret-key", "x", token("sk1_", hex(64))),
            ("upcloud-token", "x", token("ucat_", mixed(26).to_uppercase())),
            ("browserbase-api-key", "x", token("bb_live_", mixed(27))),
            ("crossmint-secret-key", "x", token("sk_production_", mixed(100))),
            ("daytona-api-key", "x", token("dtn_", hex(64))),
            ("helicone-api-key", "x", token("sk-helicone-", groups(&hex(28), 7))),
            ("nylas-api-key", "x", token("nyk_v0_", mixed(64))),
            ("tigris-secret-key", "x", token("tsec_", mixed(64))),
            ("chief-tools-token", "x", token("ctp_", mixed(36))),
            ("llamacloud-api-key", "x", token("llx-", mixed(48))),
            ("chromatic-project-token", "x", token("chpt_", hex(15))),
            ("letta-api-key", "x", token("sk-let-", mixed(96))),
            ("mem0-api-key", "x", token("m0-", mixed(40))),
            ("val-town-token", "x", token("vtwn_", mixed(30))),
            ("depot-token", "x", token("depot_org_", hex(64))),
            ("phase-token", "x", token("pss_service:v", format!("1:{0}:{0}:{0}", hex(64)))),
            ("dotenv-vault-key", "x", token("dotenv://:key_", hex(64))),
            ("boundary-app-token", "x", token("appt_", mixed(10) + "_" + &mixed(112))),
            ("quicknode-api-key", "x", token("QN_", hex(32))),
            ("coingecko-api-key", "x", token("CG-", mixed(24))),
            ("brex-token", "x", token("bxt_", mixed(40))),
            ("permit-api-key", "x", token("permit_key_", mixed(86))),
            ("builder-io-private-key", "x", token("bpk-", hex(32))),
            ("radar-secret-key", "x", token("prj_live_sk_", hex(40))),
            ("portainer-access-token", "x", token("ptr_", mixed(43) + "=")),
            ("nexus-npm-token", "x", token("NpmToken.", uuid())),
            ("devin-api-key", "x", token("apk_user_", mixed(80))),
            ("guilded-bot-token", "x", token("gapi_", mixed(86) + "==")),
            ("firehydrant-token", "x", token("fhb-", hex(32))),
            ("liveblocks-secret-key", "x", token("sk_dev_", mixed(64))),
            ("pushbullet-access-token", "PUSHBULLET_TOKEN", token("o.", mixed(32))),
            ("proxmox-token", "PROXMOX_TOKEN", token("root@pam!ci=", uuid())),
            ("dotenv-vault-credential", "x", token("DOTENV_ME=me_", hex(64))),
            ("tatum-api-key", "TATUM_API_KEY", token("t-", format!("{0}-{0}", hex(24)))),
            ("boundary-token", "BOUNDARY_TOKEN", token("at_", mixed(10) + "_s1" + &mixed(60))),
            ("runway-api-key", "RUNWAYML_API_SECRET", token("key_", hex(128))),
            ("cursor-api-key", "CURSOR_API_KEY", token("key_", hex(64))),
            ("percy-token", "PERCY_TOKEN", token("web_", hex(64))),
            ("checkly-api-key", "CHECKLY_API_KEY", token("cu_", hex(32))),
            ("dash0-token", "DASH0_AUTH_TOKEN", token("auth_", mixed(32))),
            ("hcaptcha-secret", "HCAPTCHA_SECRET", token("ES_", hex(32))),
            ("imagekit-private-key", "IMAGEKIT_PRIVATE_KEY", token("private_", mixed(27) + "=")),
            ("blockfrost-project-id", "BLOCKFROST_API_KEY", token("mainnet", mixed(32))),
            ("buf-token", "BUF_TOKEN", hex(64)),
            ("dotenvx-private-key", "DOTENV_PRIVATE_KEY_CI", hex(64)),
            ("infobip-api-key", "INFOBIP_API_KEY", format!("{}-{}", hex(32), uuid())),
            ("ghost-admin-key", "GHOST_ADMIN_API_KEY", format!("{}:{}", hex(24), hex(64))),
            ("unleash-token", "UNLEASH_API_TOKEN", token("*:development.", hex(56))),
            ("influxdb-token", "INFLUXDB_TOKEN", mixed(86) + "=="),
            ("bluesky-app-password", "BLUESKY_PASSWORD", groups(&random(LOWER, 16), 4)),
            (
                "apple-app-specific-password",
                "FASTLANE_APPLE_APPLICATION_SPECIFIC_PASSWORD",
                groups(&random(LOWER, 16), 4),
            ),
            ("nextcloud-app-password", "NEXTCLOUD_PASSWORD", groups(&mixed(25), 5)),
            ("packagecloud-token", "PACKAGECLOUD_TOKEN", hex(48)),
            ("cypress-record-key", "CYPRESS_RECORD_KEY", uuid()),
            ("codefresh-api-key", "CODEFRESH_API_KEY", format!("{}.{}", hex(24), hex(32))),
            ("deepl-api-key", "DEEPL_AUTH_KEY", uuid() + ":fx"),
            ("fal-api-key", "FAL_KEY", format!("{}:{}", uuid(), hex(32))),
            ("sanity-api-token", "SANITY_API_TOKEN", token("sk", mixed(178))),
        ]
    }

    fn kinds(name: &str, value: &str) -> Vec<String> {
        let text = format!("{name}=\"{value}\"\n");
        let found = detector().scan(&text, TextKind::Fragment);
        found.into_iter().map(|found| found.kind.into_owned()).collect()
    }

    #[test]
    fn every_kind_has_an_example() {
        let examples = examples();
        let named: Vec<&str> = examples.iter().map(|(kind, _, _)| *kind).collect();
        let known: Vec<&str> = super::KINDS.iter().map(|kind| kind.name).collect();
        assert_eq!(named, known);
        let missed: Vec<String> = examples
            .iter()
            .filter(|(kind, name, value)| kinds(name, value) != [*kind])
            .map(|(kind, name, value)| format!("{kind}: {:?}", kinds(name, value)))
            .collect();
        assert_eq!(missed, [""; 0]);
    }

    #[test]
    fn what_is_not_a_token_of_a_kind() {
        for (kind, name, value) in examples() {
            // A part of a token, a mask, and another alphabet.
            let short: String = value.chars().take(value.len() / 2).collect();
            let mask = value.chars().rev().map(|c| if c.is_alphanumeric() { 'x' } else { c });
            let mask: String = mask.collect::<Vec<_>>().into_iter().rev().collect();
            for other in [short, mask, value.replace(|c: char| c.is_ascii_digit(), "§")] {
                if other == value {
                    continue;
                }
                let found = kinds(name, &other);
                assert!(!found.contains(&kind.to_owned()), "{kind}: {other}");
            }
        }
    }

    /// What providers call public: it is in web pages, or in files that are made to be committed.
    #[test]
    fn what_providers_publish_is_not_a_secret() {
        for (name, value) in [
            ("PORKBUN_API_KEY", ["pk1_", &hex(64)].concat()),
            ("DOTENV_VAULT", ["vlt_", &hex(64)].concat()),
            ("DOTENV_VAULT_PRODUCTION", mixed(180) + "=="),
            ("sdkKey", format!("configcat-sdk-1/{0}/{0}", mixed(22))),
            ("RADAR_API_KEY", ["prj_live_pk_", &hex(40)].concat()),
            ("CROSSMINT_API_KEY", ["ck_production_", &mixed(100)].concat()),
            ("GHOST_CONTENT_API_KEY", hex(26)),
            ("UNLEASH_FRONTEND_TOKEN", format!("default:production.{}", hex(56))),
            ("IMAGEKIT_PUBLIC_KEY", ["public_", &mixed(27), "="].concat()),
        ] {
            assert_eq!(kinds(name, &value), [""; 0], "{name}");
        }
    }
}
