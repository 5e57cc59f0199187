//! Platforms for developers, automation, commerce and maps, by the formats that they publish or
//! issue.

use super::{Definition, UUID, around, named, prefixed};
use crate::check;

pub(super) const KINDS: &[Definition] = &[
    prefixed(
        "github-stateless-token",
        "GitHub App installation token",
        &["ghs_"],
        r"(?:[0-9]{1,20}_)?eyJ[A-Za-z0-9_-]{8,}={0,2}\.eyJ[A-Za-z0-9_-]{8,}={0,2}\.[A-Za-z0-9_-]{40,}",
    ),
    prefixed("adafruit-io-key", "Adafruit IO key", &["aio_"], "[A-Za-z0-9]{28}"),
    prefixed("apify-api-token", "Apify API token", &["apify_api_"], "[A-Za-z0-9-]{36}"),
    prefixed(
        "bitbucket-data-center-token",
        "Bitbucket Data Center access token",
        &["BBDC-"],
        "[A-Za-z0-9+/@_=-]{40,50}",
    ),
    prefixed("aws-appsync-api-key", "AWS AppSync API key", &["da2-"], "[a-z0-9]{26}")
        .checked(check::with_digit),
    prefixed("bannerbear-api-key", "Bannerbear API key", &["bb_pr_", "bb_ma_"], "[a-f0-9]{30}"),
    prefixed(
        "close-api-key",
        "Close API key",
        &["api_"],
        r"[A-Za-z0-9]{20,24}\.[A-Za-z0-9]{20,24}",
    )
    .checked(check::random),
    prefixed(
        "cloudflare-tunnel-token",
        "Cloudflare tunnel token",
        &["eyJhIjoi"],
        "[A-Za-z0-9+/_-]{100,240}={0,2}",
    ),
    prefixed(
        "dependency-track-api-key",
        "Dependency-Track API key",
        &["odt_"],
        "[A-Za-z0-9]{8}_[A-Za-z0-9]{32}|[A-Za-z0-9]{32}",
    ),
    prefixed(
        "docker-swarm-join-token",
        "Docker Swarm join token",
        &["SWMTKN-1-"],
        "[a-z0-9]{50}-[a-z0-9]{25}",
    ),
    prefixed(
        "docker-swarm-unlock-key",
        "Docker Swarm unlock key",
        &["SWMKEY-1-"],
        "[A-Za-z0-9+/]{43}",
    ),
    prefixed(
        "elastic-cloud-api-key",
        "Elastic Cloud API key",
        &["essu_"],
        "[A-Za-z0-9+/_-]{40,120}={0,2}",
    ),
    prefixed("endor-labs-api-key", "Endor Labs API key", &["endr+"], "[A-Za-z0-9-]{16}"),
    prefixed("firecrawl-api-key", "Firecrawl API key", &["fc-"], "[a-f0-9]{32}"),
    prefixed(
        "fleetbase-api-key",
        "Fleetbase API key",
        &["flb_live_", "flb_test_"],
        "[A-Za-z0-9]{20,40}",
    ),
    prefixed("flexport-api-key", "Flexport API key", &["shltm_"], "[A-Za-z0-9_-]{40,60}"),
    prefixed(
        "fullstory-api-key",
        "FullStory API key",
        &["na1.", "eu1."],
        "[A-Za-z0-9+/]{80,120}={0,2}",
    ),
    prefixed("ionic-access-token", "Ionic access token", &["ion_"], "[A-Za-z0-9]{42}"),
    prefixed(
        "lark-webhook-url",
        "Lark webhook",
        &[
            "open.feishu.cn/open-apis/bot/v2/hook/",
            "open.larksuite.com/open-apis/bot/v2/hook/",
            "open.larkoffice.com/open-apis/bot/v2/hook/",
        ],
        UUID,
    ),
    prefixed(
        "wecom-webhook-url",
        "WeCom webhook",
        &["qyapi.weixin.qq.com/cgi-bin/webhook/send?key="],
        UUID,
    ),
    prefixed("locationiq-token", "LocationIQ access token", &["pk."], "[a-f0-9]{32}"),
    prefixed(
        "mapbox-temporary-token",
        "Mapbox temporary token",
        &["tk.eyJ"],
        r"[A-Za-z0-9_-]{20,}\.[A-Za-z0-9_-]{20,}",
    ),
    prefixed("netbird-access-token", "NetBird personal access token", &["nbp_"], "[A-Za-z0-9]{36}")
        .checked(check::crc32_base62),
    prefixed("new-relic-admin-key", "New Relic admin key", &["NRAA-"], "[a-f0-9]{27}"),
    prefixed("pixie-key", "Pixie key", &["px-api-", "px-dep-"], UUID),
    prefixed("nightfall-api-key", "Nightfall API key", &["NF-"], "[A-Za-z0-9]{32}")
        .checked(check::random),
    prefixed(
        "ory-api-key",
        "Ory API key",
        &["ory_pat_", "ory_apikey_", "ory_st_", "ory_wak_"],
        "[A-Za-z0-9]{32}",
    ),
    prefixed(
        "ory-oauth-token",
        "Ory OAuth token",
        &["ory_at_", "ory_rt_", "ory_ac_"],
        r"[A-Za-z0-9_-]{43}\.[A-Za-z0-9_-]{43}|[A-Za-z0-9_.-]{60,100}",
    ),
    prefixed("pagarme-api-key", "Pagar.me API key", &["ak_live_", "ak_test_"], "[A-Za-z0-9]{30}"),
    prefixed("pubnub-secret-key", "PubNub secret key", &["sec-c-"], "[A-Za-z0-9]{48}"),
    prefixed("pubnub-publish-key", "PubNub publish key", &["pub-c-"], UUID),
    prefixed("pubnub-subscribe-key", "PubNub subscribe key", &["sub-c-"], UUID),
    prefixed(
        "ramp-client-secret",
        "Ramp client secret",
        &["ramp_sec_", "ramp_tok_"],
        "[A-Za-z0-9]{40,48}",
    ),
    prefixed("rootly-api-key", "Rootly API key", &["rootly_"], "[a-f0-9]{64}"),
    prefixed(
        "saladcloud-api-key",
        "SaladCloud API key",
        &["salad_cloud_"],
        "[A-Za-z0-9]{1,30}_[A-Za-z0-9]{7,235}",
    ),
    prefixed("segment-public-api-token", "Segment Public API token", &["sgp_"], "[A-Za-z0-9]{64}"),
    prefixed("sourcegraph-license-key", "Sourcegraph Cody key", &["slk_", "sgd_"], "[a-f0-9]{64}"),
    prefixed(
        "square-sandbox-token",
        "Square sandbox token",
        &["sandbox-sq0atb-", "sandbox-sq0csb-"],
        "[A-Za-z0-9_-]{22,43}",
    ),
    prefixed(
        "stackhawk-api-key",
        "StackHawk API key",
        &["hawk."],
        r"[A-Za-z0-9_-]{20}\.[A-Za-z0-9_-]{20}",
    ),
    prefixed(
        "stripe-client-secret",
        "client secret of a Stripe payment",
        &["pi_", "seti_"],
        "[A-Za-z0-9]{16,30}_secret_[A-Za-z0-9]{20,32}",
    ),
    prefixed(
        "teamcity-token",
        "TeamCity access token",
        &["eyJ0eXAiOiAiVENWMiJ9."],
        r"[A-Za-z0-9_-]{36}\.[A-Za-z0-9_-]{48}",
    ),
    prefixed(
        "teamwork-token",
        "Teamwork access token",
        &["tkn.v1_"],
        "[A-Za-z0-9+/_-]{40,100}={0,2}",
    ),
    prefixed("telnyx-api-key", "Telnyx API key", &["KEY0"], "[0-9A-Fa-f]{30,33}_[A-Za-z0-9]{22}"),
    prefixed(
        "thingsboard-device-token",
        "ThingsBoard device token",
        &["thingsboard.cloud/api/v1/", "demo.thingsboard.io/api/v1/"],
        "[A-Za-z0-9]{20}",
    ),
    prefixed("ubidots-token", "Ubidots token", &["BBFF-", "BBUS-"], "[A-Za-z0-9]{30,34}"),
    prefixed("vault-legacy-batch-token", "Vault batch token", &["b.AAAAAQ"], "[A-Za-z0-9_-]{100,}"),
    prefixed(
        "voiceflow-api-key",
        "Voiceflow API key",
        &["VF."],
        r"(?:DM\.|WS\.)?[a-fA-F0-9]{24}\.[A-Za-z0-9]{16}",
    ),
    prefixed("zoho-token", "Zoho token", &["1000."], r"[a-f0-9]{32}\.[a-f0-9]{32}"),
    prefixed("wakatime-api-key", "WakaTime API key", &["waka_"], UUID),
    prefixed("cal-com-api-key", "Cal.com API key", &["cal_live_"], "[a-f0-9]{32}"),
    prefixed("plane-api-key", "Plane API key", &["plane_api_"], "[a-f0-9]{32}"),
    prefixed("nostr-private-key", "Nostr private key", &["nsec1"], "[02-9ac-hj-np-z]{58}"),
    prefixed(
        "bitcoin-extended-private-key",
        "extended private key of a Bitcoin wallet",
        &["xprv"],
        "[1-9A-HJ-NP-Za-km-z]{107}",
    ),
    prefixed(
        "mercado-pago-access-token",
        "Mercado Pago access token",
        &["APP_USR-"],
        "[0-9]{12,18}-[0-9]{6}-[a-f0-9]{32}(?:__[A-Z_]{5,9}__)?-[0-9]{6,12}",
    ),
    prefixed("courier-api-key", "Courier API key", &["pk_prod_"], "[A-Z0-9]{28}"),
    prefixed(
        "instagram-access-token",
        "Instagram access token",
        &["IGQV", "IGQW"],
        "[A-Za-z0-9_-]{80,}",
    ),
    prefixed("brave-search-api-key", "Brave Search API key", &["BSA"], "[A-Za-z0-9_-]{27,28}")
        .checked(check::random),
    prefixed(
        "devcycle-server-key",
        "DevCycle server key",
        &["dvc_server_"],
        "[A-Za-z0-9_-]{20,80}",
    ),
    prefixed("woocommerce-key", "WooCommerce REST API key", &["ck_", "cs_"], "[a-f0-9]{40}"),
    prefixed("coze-access-token", "Coze personal access token", &["pat_"], "[A-Za-z0-9]{64}"),
    prefixed("dify-api-key", "Dify API key", &["app-"], "[A-Za-z0-9]{24}")
        .checked(check::clearly_random),
    prefixed("jd-cloud-access-key", "JD Cloud access key", &["JDC_"], "[A-Z0-9]{28,32}"),
    prefixed("volcengine-access-key", "Volcengine access key", &["AKLT"], "[A-Za-z0-9_-]{40,60}")
        .checked(check::random),
    prefixed("zuplo-api-key", "Zuplo API key", &["zpka_"], "[a-z0-9]{32}_[a-z0-9]{8}"),
    prefixed("unkey-root-key", "Unkey root key", &["unkey_"], "[A-Za-z0-9]{20,40}")
        .checked(check::random),
    prefixed(
        "polar-access-token",
        "Polar access token",
        &["polar_oat_", "polar_pat_"],
        "[A-Za-z0-9_-]{36,60}",
    ),
    prefixed("dub-api-key", "Dub API key", &["dub_"], "[A-Za-z0-9]{24}").checked(check::random),
    prefixed(
        "vercel-blob-token",
        "Vercel Blob token",
        &["vercel_blob_rw_"],
        "[A-Za-z0-9]{16}_[A-Za-z0-9]{30,48}",
    ),
    prefixed("ntfy-access-token", "ntfy access token", &["tk_"], "[a-z0-9]{29}")
        .checked(check::with_digit),
    prefixed("nomic-api-key", "Nomic API key", &["nk-"], "[A-Za-z0-9_-]{43}")
        .checked(check::random),
    prefixed("anyscale-api-key", "Anyscale API key", &["esecret_"], "[a-z0-9]{26}"),
    prefixed("friendli-token", "Friendli token", &["flp_"], "[A-Za-z0-9]{20,60}"),
    prefixed("dbt-cloud-token", "dbt Cloud token", &["dbtu_", "dbtc_"], "[A-Za-z0-9_=-]{40,60}"),
    prefixed(
        "tinybird-token",
        "Tinybird token",
        &["p.eyJ"],
        r"[A-Za-z0-9_-]{20,}\.[A-Za-z0-9_-]{40,}",
    ),
    prefixed("xata-api-key", "Xata API key", &["xau_"], "[A-Za-z0-9]{30,50}"),
    prefixed(
        "gel-secret-key",
        "Gel secret key",
        &["nbwt1_", "nbwt_", "edbt1_", "edbt_"],
        r"eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{20,}",
    ),
    prefixed("deepsource-token", "DeepSource access token", &["dsp_"], "[A-Za-z0-9]{40}"),
    prefixed("socket-api-token", "Socket API token", &["sktsec_"], "[A-Za-z0-9_-]{30,80}"),
    prefixed(
        "trigger-dev-secret-key",
        "Trigger.dev secret key",
        &["tr_dev_", "tr_prod_", "tr_stg_", "tr_pat_"],
        "[A-Za-z0-9]{20,40}",
    ),
    prefixed(
        "telegram-payment-token",
        "Telegram payment token",
        &["284685063:TEST:"],
        "[A-Za-z0-9]{16}",
    ),
    prefixed(
        "loops-webhook-secret",
        "signing secret of a Standard Webhook",
        &["v1,whsec_"],
        "[A-Za-z0-9+/]{32,64}={0,2}",
    ),
    prefixed(
        "microsoft-teams-connector-url",
        "Microsoft Teams webhook",
        &["outlook.office.com/webhook/", "outlook.office365.com/webhook/"],
        "[a-f0-9-]{36}@[a-f0-9-]{36}/IncomingWebhook/[a-f0-9]{32}/[a-f0-9-]{36}",
    ),
    prefixed("n8n-webhook-url", "n8n Cloud webhook", &["app.n8n.cloud/webhook/"], UUID),
    prefixed(
        "ifttt-webhook-url",
        "IFTTT webhook",
        &["maker.ifttt.com/trigger/"],
        "[A-Za-z0-9_-]{1,60}/(?:json/)?with/key/[A-Za-z0-9_-]{20,60}",
    ),
    prefixed(
        "make-webhook-url",
        "Make webhook",
        &[
            "hook.eu1.make.com/",
            "hook.eu2.make.com/",
            "hook.us1.make.com/",
            "hook.us2.make.com/",
            "hook.integromat.com/",
        ],
        "[a-z0-9]{32}",
    ),
    prefixed(
        "pipedream-webhook-url",
        "Pipedream webhook",
        &["api.pipedream.com/sources/"],
        "[a-z0-9]{32}",
    ),
    prefixed(
        "dingtalk-webhook-url",
        "DingTalk webhook",
        &["oapi.dingtalk.com/robot/send?access_token="],
        "[a-f0-9]{64}",
    ),
    around(
        "new-relic-mobile-key",
        "New Relic mobile application token",
        "-NRMA",
        "(?:AA|[a-z]{2}[0-9]{2}xx)[a-f0-9]{38,40}-NRMA",
    )
    .after(38),
    around(
        "microsoft-teams-workflow-url",
        "Microsoft Teams workflow webhook",
        ".logic.azure.com",
        "[a-z0-9.-]{3,80}[.]logic[.]azure[.]com(?::443)?/workflows/[a-f0-9]{32}/triggers/[A-Za-z]{3,20}/paths/invoke[?][^ ]{10,200}&sig=([A-Za-z0-9_-]{43})",
    ),
    around(
        "power-automate-url",
        "Power Automate webhook",
        ".powerplatform.com",
        "[a-z0-9.-]{3,100}[.]powerplatform[.]com(?::443)?/[^ ]{20,300}&sig=([A-Za-z0-9_-]{43})",
    ),
    around(
        "tines-webhook-url",
        "Tines webhook",
        ".tines.com/webhook/",
        "[a-z0-9-]{1,60}[.]tines[.]com/webhook/[a-z0-9]{32}/[a-z0-9]{32}",
    ),
    around(
        "webex-bot-token",
        "Webex access token",
        "_P0A1_",
        "[A-Za-z0-9]{64}_P0A1_[a-f0-9]{8}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{12}",
    )
    .after(64),
    around(
        "webex-pf84-token",
        "Webex access token",
        "_PF84_",
        "[A-Za-z0-9]{64}_PF84_[a-f0-9]{8}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{12}",
    )
    .after(64),
    around(
        "webex-pe93-token",
        "Webex access token",
        "_PE93_",
        "[A-Za-z0-9]{64}_PE93_[a-f0-9]{8}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{12}",
    )
    .after(64),
    // As `vault operator init` prints them.
    around(
        "vault-printed-unseal-key",
        "Vault unseal key",
        "Unseal Key ",
        "Unseal Key [0-9]{1,2}: ([a-f0-9]{64,66}|[A-Za-z0-9+/]{43,44}=?)",
    ),
    around(
        "vault-printed-recovery-key",
        "Vault recovery key",
        "Recovery Key ",
        "Recovery Key [0-9]{1,2}: ([a-f0-9]{64,66}|[A-Za-z0-9+/]{43,44}=?)",
    ),
    around(
        "tableau-access-token",
        "Tableau personal access token",
        "==:",
        "[A-Za-z0-9+/]{22}==:[A-Za-z0-9]{32}",
    )
    .after(22)
    .checked(check::random),
    named(
        "code-climate-token",
        "Code Climate test reporter ID",
        &["code_climate", "codeclimate", "cc_test_reporter"],
        "[a-f0-9]{64}",
    ),
    named(
        "facebook-app-token",
        "Facebook app access token",
        &["facebook", "fb_", "access_token", "meta_"],
        r"[0-9]{13,17}(?:\||%7C)[A-Za-z0-9_-]{27}",
    ),
    named(
        "kubeadm-certificate-key",
        "kubeadm certificate key",
        &["certificate_key", "certificatekey", "certificate-key"],
        "[a-f0-9]{64}",
    ),
    named("mongodb-atlas-private-key", "MongoDB Atlas private key", &["atlas", "mongodb"], UUID),
    named("netbird-setup-key", "NetBird setup key", &["netbird", "nb_setup"], UUID),
    named("opsgenie-uuid-key", "Opsgenie API key", &["opsgenie"], UUID),
    named(
        "pagerduty-integration-key",
        "PagerDuty integration key",
        &["pagerduty", "routing_key", "routingkey", "pd_"],
        // Brokers of messages call words so.
        "[A-Za-z0-9]{32}",
    )
    .checked(check::random),
    named("truenas-api-key", "TrueNAS API key", &["truenas"], "[0-9]{1,4}-[A-Za-z0-9]{64}"),
    named(
        "vault-unseal-key",
        "Vault unseal key",
        &["unseal"],
        "[A-Za-z0-9+/]{43,44}=?|[a-f0-9]{64,66}",
    ),
    named(
        "webex-named-token",
        "Webex access token",
        &["webex"],
        "[A-Za-z0-9]{64}_[A-Za-z0-9]{4}_[a-f0-9-]{36}",
    ),
    named(
        "pagarme-secret-key",
        "Pagar.me secret key",
        &["pagarme", "pagar_me"],
        "(?:sk|ak)_(?:test_)?[A-Za-z0-9]{16,48}",
    ),
    named("zulip-api-key", "Zulip API key", &["zulip"], "[A-Za-z0-9]{32}"),
    named("thingsboard-token", "ThingsBoard access token", &["thingsboard"], "[A-Za-z0-9]{20}"),
    named("lark-app-secret", "Lark app secret", &["lark", "feishu"], "[A-Za-z0-9]{32}"),
    named("baseten-api-key", "Baseten API key", &["baseten"], r"[A-Za-z0-9]{8}\.[A-Za-z0-9]{32}"),
    named("semgrep-token", "Semgrep token", &["semgrep"], "[a-f0-9]{64}"),
    named("exa-api-key", "Exa API key", &["exa_api"], UUID),
    named("urlscan-api-key", "urlscan.io API key", &["urlscan"], UUID),
    named("abuseipdb-api-key", "AbuseIPDB API key", &["abuseipdb"], "[a-f0-9]{80}"),
    named(
        "securitytrails-api-key",
        "SecurityTrails API key",
        &["securitytrails"],
        "[A-Za-z0-9]{32}",
    ),
    named("ipinfo-token", "IPinfo token", &["ipinfo"], "[a-f0-9]{14}"),
    named("hunter-api-key", "Hunter API key", &["hunter_api", "hunterio"], "[a-f0-9]{40}"),
    named("tomtom-api-key", "TomTom API key", &["tomtom"], "[A-Za-z0-9]{32}"),
    named("newsapi-key", "News API key", &["newsapi", "news_api"], "[a-f0-9]{32}"),
    named("gitguardian-api-key", "GitGuardian API key", &["gitguardian"], "[A-Fa-f0-9]{71}"),
    named("sonarcloud-token", "SonarCloud token", &["sonar"], "[a-f0-9]{40}"),
    named(
        "teams-app-password",
        "Microsoft bot password",
        &["microsoft_app", "microsoftapp", "bot_app"],
        "[A-Za-z0-9_.~-]{34}|[A-Za-z0-9_.~-]{40}",
    ),
];

#[cfg(test)]
mod tests {
    use proptest::strategy::{Strategy as _, ValueTree as _};
    use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

    use super::super::{Form, all};
    use crate::check::Verdict;
    use crate::{TextKind, detector};

    /// Values drawn from each format are found; the same with a part cut off are not this kind.
    #[test]
    fn values_of_each_format() {
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
        let mut runner = TestRunner::new_with_rng(Config::default(), rng);
        let names: Vec<&str> = super::KINDS.iter().map(|definition| definition.name).collect();
        for kind in all().iter().filter(|kind| names.contains(&kind.name)) {
            let pattern = kind.pattern.replace("[^ ]", "[a-z0-9=]");
            let values = proptest::string::string_regex(&pattern).unwrap();
            let (mut found, mut drawn) = (0, 0);
            while drawn < 20 {
                let value = values.new_tree(&mut runner).unwrap().current();
                let (text, token) = match kind.form {
                    Form::Prefixed(literals) => {
                        let token = format!("{}{value}", literals[0]);
                        (format!("x {token} y"), token)
                    }
                    Form::Around(_) => (format!("x {value} y"), value),
                    Form::Named(words) => (format!("{}_token: {value}", words[0]), value),
                };
                if kind.check(token.as_bytes()) == Verdict::Other {
                    continue;
                }
                drawn += 1;
                let kinds = detector().scan(&text, TextKind::Fragment);
                found += usize::from(!kinds.is_empty());
                if let Form::Prefixed(literals) = kind.form {
                    let short = format!("x {}{} y", literals[0], &token[token.len() - 5..]);
                    let of_kind = detector().scan(&short, TextKind::Fragment);
                    assert!(!of_kind.iter().any(|it| it.kind == kind.name), "{short}");
                }
            }
            assert!(found >= 19, "{}: {found} of 20", kind.name);
        }
    }
}
