//! Chat, mail, telephony, and push.

use super::{Definition, UUID, around, named, prefixed};
use crate::check;

pub(super) const KINDS: &[Definition] = &[
    // Slack
    prefixed("slack-bot-token", "Slack bot token", &["xoxb-"], "[0-9]{8,14}-[A-Za-z0-9-]{12,100}"),
    prefixed("slack-user-token", "Slack user token", &["xoxp-"], "[0-9]{8,14}-[A-Za-z0-9-]{20,90}"),
    prefixed(
        "slack-app-token",
        "Slack app-level token",
        &["xapp-"],
        "[0-9]-[A-Z0-9]{3,80}-[0-9]{1,60}-[A-Za-z0-9]{6,100}",
    )
    .checked(check::random),
    prefixed(
        "slack-configuration-token",
        "Slack configuration token",
        &["xoxe.xoxp-", "xoxe.xoxb-", "xoxe-"],
        "[0-9]-[A-Za-z0-9]{100,}|[0-9]{10,13}-[0-9]{10,13}-[0-9]{10,13}-[A-Za-z0-9-]{28,34}",
    ),
    prefixed(
        "slack-legacy-token",
        "Slack legacy token",
        &["xoxa-", "xoxr-", "xoxs-", "xoxo-", "xoxc-", "xoxd-"],
        "(?:[0-9]-)?[A-Za-z0-9%/+-]{10,}",
    )
    .checked(check::random),
    prefixed(
        "slack-webhook-url",
        "Slack webhook",
        &["hooks.slack.com/services/"],
        "[A-Za-z0-9+/]{40,60}",
    ),
    prefixed(
        "slack-workflow-url",
        "Slack workflow webhook",
        &["hooks.slack.com/workflows/", "hooks.slack.com/triggers/"],
        "[A-Z0-9]{8,14}/[A-Z0-9]{8,24}/[A-Za-z0-9/]{20,60}",
    ),
    // Discord, Telegram, Teams, and others
    prefixed(
        "discord-webhook-url",
        "Discord webhook",
        &["discord.com/api/webhooks/", "discordapp.com/api/webhooks/"],
        "[0-9]{17,20}/[A-Za-z0-9_-]{60,70}",
    ),
    named(
        "discord-bot-token",
        "Discord bot token",
        &["discord", "bot"],
        r"[MNO][A-Za-z0-9_-]{22,27}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,40}",
    ),
    named("discord-client-secret", "Discord client secret", &["discord"], "[A-Za-z0-9_-]{32}"),
    around(
        "discord-token",
        "Discord bot token",
        ".G",
        r"[MNO][A-Za-z0-9_-]{22,27}\.G[A-Za-z0-9_-]{5}\.[A-Za-z0-9_-]{27,40}",
    )
    .after(23)
    .checked(check::random),
    around("telegram-bot-token", "Telegram bot token", ":AA", "[0-9]{8,10}:AA[A-Za-z0-9_-]{32,33}")
        .after(8),
    around(
        "telegram-bot-url-token",
        "Telegram bot token",
        "api.telegram.org/bot",
        "api.telegram.org/bot([0-9]{8,10}:[A-Za-z0-9_-]{35})",
    ),
    named(
        "telegram-bot-named-token",
        "Telegram bot token",
        &["telegram", "tg_", "bot"],
        "[0-9]{8,10}:[A-Za-z0-9_-]{35}",
    ),
    around(
        "microsoft-teams-webhook-url",
        "Microsoft Teams webhook",
        ".webhook.office.com/webhookb2/",
        "[a-z0-9-]{1,60}[.]webhook[.]office[.]com/webhookb2/[a-z0-9-]{36}@[a-z0-9-]{36}/IncomingWebhook/[a-z0-9]{32}/[a-z0-9-]{36}(?:/[A-Za-z0-9_-]{20,60})?",
    ),
    prefixed(
        "google-chat-webhook-url",
        "Google Chat webhook",
        &["chat.googleapis.com/v1/spaces/"],
        r"[A-Za-z0-9_-]{8,16}/messages\?key=[A-Za-z0-9_-]{39}&token=[A-Za-z0-9_%=-]{30,60}",
    ),
    named("mattermost-token", "Mattermost token", &["mattermost"], "[a-z0-9]{26}"),
    named(
        "line-channel-token",
        "LINE channel access token",
        &["line_channel", "line_notify", "line"],
        "[A-Za-z0-9+/]{43}|[A-Za-z0-9+/]{168,172}=?",
    ),
    named("twitch-token", "Twitch token", &["twitch"], "[a-z0-9]{30}"),
    prefixed(
        "matrix-access-token",
        "Matrix access token",
        &["syt_"],
        "[A-Za-z0-9+/=]{2,80}_[A-Za-z]{20}_[A-Za-z0-9]{6}",
    ),
    prefixed(
        "zapier-webhook-url",
        "Zapier webhook",
        &["hooks.zapier.com/hooks/catch/"],
        "[0-9]{5,10}/[A-Za-z0-9]{6,10}",
    ),
    // Mail
    prefixed(
        "sendgrid-api-key",
        "SendGrid API key",
        &["SG."],
        r"[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}|[A-Za-z0-9_=.-]{66}",
    ),
    prefixed("mailgun-private-key", "Mailgun private API key", &["key-"], "[a-f0-9]{32}"),
    named(
        "mailgun-api-key",
        "Mailgun API key",
        &["mailgun"],
        "[A-Za-z0-9]{32}-[A-Za-z0-9]{8}-[A-Za-z0-9]{8}|[a-f0-9]{32}",
    ),
    around("mailchimp-api-key", "Mailchimp API key", "-us", "[0-9a-f]{32}-us[0-9]{1,2}").after(32),
    prefixed(
        "mailchimp-transactional-key",
        "Mailchimp Transactional API key",
        &["md-"],
        "[A-Za-z0-9_-]{22}",
    )
    .checked(check::random),
    named("postmark-token", "Postmark server token", &["postmark"], UUID),
    prefixed(
        "brevo-api-key",
        "Brevo API key",
        &["xkeysib-", "xsmtpsib-"],
        "[a-f0-9]{64}-[A-Za-z0-9]{16}",
    ),
    prefixed("resend-api-key", "Resend API key", &["re_"], "[A-Za-z0-9]{8}_[A-Za-z0-9]{24}"),
    prefixed("mailersend-api-token", "MailerSend API token", &["mlsn."], "[a-f0-9]{64}"),
    named("mailjet-key", "Mailjet key", &["mailjet", "mj_apikey"], "[a-f0-9]{32}"),
    named("sparkpost-api-key", "SparkPost API key", &["sparkpost"], "[a-f0-9]{40}"),
    named("mandrill-api-key", "Mandrill API key", &["mandrill"], "[A-Za-z0-9_-]{22}"),
    // Telephony and push
    prefixed("twilio-api-key", "Twilio API key", &["SK"], "[0-9a-fA-F]{32}"),
    named("twilio-auth-token", "Twilio authentication token", &["twilio"], "[0-9a-f]{32}"),
    named("twilio-api-secret", "Twilio API key secret", &["twilio"], "[A-Za-z0-9]{32}"),
    named("vonage-api-secret", "Vonage API secret", &["vonage", "nexmo"], "[A-Za-z0-9]{16}"),
    named(
        "messagebird-api-key",
        "MessageBird API key",
        &["messagebird", "message_bird", "message-bird"],
        "[A-Za-z0-9]{25}",
    ),
    named("plivo-auth-token", "Plivo authentication token", &["plivo"], "[A-Za-z0-9]{40}"),
    named("onesignal-api-key", "OneSignal REST API key", &["onesignal"], "[A-Za-z0-9]{48}"),
    prefixed(
        "onesignal-app-key",
        "OneSignal API key",
        &["os_v2_app_", "os_v2_org_"],
        "[a-z0-9]{50,120}",
    ),
    prefixed(
        "firebase-server-key",
        "Firebase Cloud Messaging server key",
        &["AAAA"],
        "[A-Za-z0-9_-]{7}:APA91b[A-Za-z0-9_-]{120,160}",
    ),
    named("pushover-token", "Pushover token", &["pushover"], "[a-z0-9]{30}"),
    prefixed("expo-access-token", "Expo access token", &["expo_"], "[A-Za-z0-9_-]{36,50}"),
    named("pusher-secret", "Pusher secret", &["pusher"], "[a-f0-9]{20}"),
    named(
        "ably-api-key",
        "Ably API key",
        &["ably"],
        r"[A-Za-z0-9_-]{6,8}\.[A-Za-z0-9_-]{6}:[A-Za-z0-9_-]{43}",
    ),
    named("stream-secret", "Stream secret", &["getstream", "stream_api"], "[a-z0-9]{64}"),
    named("agora-certificate", "Agora app certificate", &["agora"], "[a-f0-9]{32}"),
];
