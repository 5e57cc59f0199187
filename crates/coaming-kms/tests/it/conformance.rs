//! What an API server of today demands of the second version of the interface, besides that it works.

use crate::{PLANTED, Plugin, bao, client};

/// The API server's limits, in bytes: of an encrypted key, and of a key's identifier.
const MAX_CIPHERTEXT: usize = 1024;
const MAX_KEY_ID: usize = 1024;
/// What it has encrypted: the seed of its keys.
const SEED: usize = 32;

#[test]
fn answers_are_within_the_limits_of_the_interface() {
    let Some((_bao, config)) = bao("answers_are_within_the_limits_of_the_interface") else {
        return;
    };
    let plugin = Plugin::start(&config);
    let mut asked = client(&config);
    for _ in 0..20 {
        let status = asked.status();
        assert_eq!((status.version.as_str(), status.healthz.as_str()), ("v2", "ok"));
        let made = asked.encrypt(&[7; SEED]).unwrap();
        assert!((1..=MAX_CIPHERTEXT).contains(&made.ciphertext.len()), "{}", made.ciphertext.len());
        assert!((1..=MAX_KEY_ID).contains(&made.key_id.len()) && made.key_id == status.key_id);
        assert!(made.annotations.is_empty(), "names would have to be those of domains");
    }
    // More than any API server sends is refused, and the plugin goes on.
    asked.encrypt(&vec![0; 1 << 20]).unwrap_err();
    assert!(asked.encrypt(&[7; SEED]).is_ok());
    plugin.stop();
}

/// An API server that uses its seed for a long time, and asks for it again after its restart.
#[test]
fn a_seed_may_be_used_again_and_is_never_encrypted_to_the_same() {
    let Some((_bao, config)) = bao("a_seed_may_be_used_again") else { return };
    let plugin = Plugin::start(&config);
    let mut asked = client(&config);
    let made: Vec<_> = (0..5).map(|_| asked.encrypt(PLANTED).unwrap()).collect();
    for (number, one) in made.iter().enumerate() {
        assert!(!made[..number].iter().any(|other| other.ciphertext == one.ciphertext));
        for _ in 0..2 {
            assert_eq!(asked.decrypt(&one.ciphertext, &one.key_id).unwrap(), PLANTED);
        }
    }
    plugin.stop();
}

/// While API servers still have a key that is not the newest: what they wrote is read under the name that
/// it had, and nothing is encrypted under a name that was not announced.
#[test]
fn stale_keys_are_read_and_not_used() {
    let Some((bao, config)) = bao("stale_keys_are_read_and_not_used") else { return };
    let plugin = Plugin::start(&config);
    let mut asked = client(&config);
    let mut announced = vec![asked.status().key_id];
    let mut made = vec![asked.encrypt(PLANTED).unwrap()];
    for _ in 0..3 {
        bao.run(&["write", "-f", "transit/keys/kubernetes/rotate"]);
        // Before anyone has asked for the status, the last one that was announced is still used.
        let before = asked.encrypt(PLANTED).unwrap();
        let status = asked.status();
        assert!(before.key_id == announced[announced.len() - 1] || before.key_id == status.key_id);
        assert!(!announced.contains(&status.key_id), "a new version has a new name");
        announced.push(status.key_id.clone());
        let after = asked.encrypt(PLANTED).unwrap();
        assert_eq!(after.key_id, status.key_id);
        made.extend([before, after]);
    }
    for one in &made {
        assert!(announced.contains(&one.key_id));
        assert_eq!(asked.decrypt(&one.ciphertext, &one.key_id).unwrap(), PLANTED);
    }
    plugin.stop();
}
