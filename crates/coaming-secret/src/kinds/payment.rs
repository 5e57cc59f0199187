//! Payments, shops and finance.

use super::{Definition, named, prefixed};
use crate::check;

pub(super) const KINDS: &[Definition] = &[
    prefixed(
        "stripe-secret-key",
        "Stripe live secret key",
        &["sk_live_", "sk_prod_"],
        "[A-Za-z0-9]{10,}",
    )
    .checked(check::random),
    prefixed("stripe-test-key", "Stripe test secret key", &["sk_test_"], "[A-Za-z0-9]{10,}")
        .checked(check::random),
    prefixed(
        "stripe-restricted-key",
        "Stripe restricted key",
        &["rk_live_", "rk_test_", "rk_prod_"],
        "[A-Za-z0-9]{10,}",
    )
    .checked(check::random),
    prefixed(
        "stripe-webhook-secret",
        "Stripe webhook signing secret",
        &["whsec_"],
        "[A-Za-z0-9+/]{32,64}={0,2}",
    ),
    prefixed("square-access-token", "Square access token", &["EAAA"], "[A-Za-z0-9_-]{22,60}"),
    prefixed("square-personal-token", "Square access token", &["sq0atp-"], "[A-Za-z0-9_-]{22,60}"),
    prefixed("square-oauth-secret", "Square OAuth secret", &["sq0csp-"], "[A-Za-z0-9_-]{43}"),
    prefixed(
        "braintree-access-token",
        "Braintree access token",
        &["access_token$production$", "access_token$sandbox$"],
        r"[a-z0-9]{16}\$[a-f0-9]{32}",
    ),
    named("braintree-private-key", "Braintree private key", &["braintree"], "[a-f0-9]{32}"),
    named("paypal-client-secret", "PayPal client secret", &["paypal"], "E[A-Za-z0-9_-]{79}"),
    prefixed("shopify-access-token", "Shopify access token", &["shpat_"], "[a-fA-F0-9]{32}"),
    prefixed(
        "shopify-custom-app-token",
        "Shopify custom app access token",
        &["shpca_"],
        "[a-fA-F0-9]{32}",
    ),
    prefixed(
        "shopify-private-app-token",
        "Shopify private app password",
        &["shppa_"],
        "[a-fA-F0-9]{32}",
    ),
    prefixed("shopify-shared-secret", "Shopify shared secret", &["shpss_"], "[a-fA-F0-9]{32}"),
    prefixed(
        "plaid-access-token",
        "Plaid access token",
        &["access-sandbox-", "access-development-", "access-production-"],
        "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
    ),
    named("plaid-secret", "Plaid secret", &["plaid"], "[a-z0-9]{30}"),
    prefixed(
        "adyen-api-key",
        "Adyen API key",
        &["AQE"],
        // Its parts are joined by dashes, unlike those of a certificate.
        r"[A-Za-z0-9+/_]{40,}={0,2}-[A-Za-z0-9+/_]{20,}={0,2}[{(\[<>A-Za-z0-9^~!@#$%&*;:,.?|+_=\])}-]{0,20}",
    )
    .checked(check::random),
    prefixed("razorpay-key", "Razorpay key", &["rzp_live_", "rzp_test_"], "[A-Za-z0-9]{14}"),
    named("razorpay-secret", "Razorpay secret", &["razorpay"], "[A-Za-z0-9]{24}"),
    prefixed(
        "flutterwave-secret-key",
        "Flutterwave secret key",
        &["FLWSECK-", "FLWSECK_TEST-"],
        "[A-Za-z0-9]{12,40}(?:-X)?",
    ),
    prefixed("paystack-key", "Paystack secret key", &["sk_live_", "sk_test_"], "[a-f0-9]{40}"),
    prefixed(
        "gocardless-token",
        "GoCardless access token",
        &["live_", "sandbox_"],
        "[A-Za-z0-9_-]{40}",
    )
    .checked(check::random),
    prefixed("mollie-api-key", "Mollie API key", &["live_", "test_"], "[A-Za-z0-9]{30}")
        .checked(check::random),
    prefixed(
        "checkout-secret-key",
        "Checkout.com secret key",
        &["sk_sbox_"],
        "[a-z0-9]{26}[a-z*#$=]",
    ),
    prefixed("lob-api-key", "Lob API key", &["live_", "test_"], "[a-f0-9]{35}"),
    prefixed("easypost-api-key", "EasyPost API key", &["EZAK", "EZTK"], "[A-Za-z0-9]{54}"),
    prefixed(
        "shippo-api-token",
        "Shippo API token",
        &["shippo_live_", "shippo_test_"],
        "[a-fA-F0-9]{40}",
    ),
    prefixed(
        "duffel-api-token",
        "Duffel API token",
        &["duffel_live_", "duffel_test_"],
        "[A-Za-z0-9_=-]{43}",
    ),
    prefixed(
        "paddle-api-key",
        "Paddle API key",
        &["pdl_live_apikey_", "pdl_sdbx_apikey_"],
        "[a-z0-9]{26}_[A-Za-z0-9]{22}_[A-Za-z0-9]{3}",
    ),
    prefixed(
        "xendit-secret-key",
        "Xendit secret key",
        &["xnd_production_", "xnd_development_"],
        "[A-Za-z0-9]{40,70}",
    ),
    prefixed(
        "midtrans-server-key",
        "Midtrans server key",
        &["Mid-server-", "SB-Mid-server-"],
        "[A-Za-z0-9_-]{20,32}",
    ),
    named("coinbase-access-token", "Coinbase access token", &["coinbase"], "[A-Za-z0-9_-]{64}"),
    named("kraken-private-key", "Kraken private key", &["kraken"], "[A-Za-z0-9/+]{80,90}={0,2}"),
    named("binance-secret-key", "Binance secret key", &["binance"], "[A-Za-z0-9]{64}"),
    named(
        "kucoin-secret-key",
        "KuCoin secret key",
        &["kucoin"],
        "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
    ),
    named("bittrex-secret-key", "Bittrex secret key", &["bittrex"], "[a-z0-9]{32}"),
    named("alchemy-api-key", "Alchemy API key", &["alchemy"], "[A-Za-z0-9_-]{32}"),
    named("infura-api-key", "Infura API key", &["infura"], "[a-f0-9]{32}"),
    named("etherscan-api-key", "Etherscan API key", &["etherscan"], "[A-Z0-9]{34}"),
    named(
        "ethereum-private-key",
        "Ethereum private key",
        &["private_key", "privatekey", "wallet", "deployer", "eth_"],
        "0x[a-fA-F0-9]{64}",
    ),
];
