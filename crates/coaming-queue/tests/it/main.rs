//! Workers that share a queue in a real PostgreSQL.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::time::Duration;

use coaming_http::Options;
use coaming_queue::{End, Item, Queue, QueueError, Task};
use coaming_test::postgres::{PASSWORD, Postgres};

const LONG: Duration = Duration::from_secs(300);
const SHORT: Duration = Duration::from_millis(900);

fn connect(server: &Postgres, walk: &str, lease: Duration) -> Queue {
    let url = server.url("free").parse().unwrap();
    Queue::connect(&url, &Options::default(), walk, lease).unwrap()
}

fn item(number: usize) -> Item {
    let names = vec![format!("shop/app{number:03}:1"), format!("shop/app{number:03}:latest")];
    Item { digest: format!("sha256:{number:064}"), reference: format!("a.example/{number}"), names }
}

fn digests(tasks: &[Task]) -> Vec<&str> {
    tasks.iter().map(|task| task.item.digest.as_str()).collect()
}

/// Takes once there is something to take.
fn take(queue: &Queue) -> Vec<Task> {
    loop {
        let tasks = queue.take(4).unwrap();
        if !tasks.is_empty() {
            return tasks;
        }
        queue.pause();
    }
}

#[test]
fn each_image_is_one_workers() {
    let Some(server) = Postgres::start("each_image_is_one_workers") else { return };
    let items: Vec<Item> = (0..200).map(item).collect();
    // All make the table at once, and one of them lists.
    let work = || {
        let queue = connect(&server, "a", LONG);
        if queue.begins().unwrap() {
            queue.add(&items).unwrap();
        }
        let mut taken = Vec::new();
        loop {
            let tasks = queue.take(4).unwrap();
            if tasks.is_empty() {
                return taken;
            }
            for task in tasks {
                assert!(queue.finish(&task.item.digest, End::Done, "{}").unwrap());
                taken.push(task.item);
            }
        }
    };
    let mut all: Vec<Item> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..4).map(|_| scope.spawn(work)).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    all.sort_by(|left, right| left.digest.cmp(&right.digest));
    assert_eq!(all, items);
    assert_eq!(connect(&server, "a", LONG).open().unwrap(), 0);
}

#[test]
fn what_a_worker_leaves_is_taken_again() {
    let Some(server) = Postgres::start("what_a_worker_leaves_is_taken_again") else { return };
    let first = connect(&server, "a", SHORT);
    assert!(first.begins().unwrap());
    first.add(&[item(1), item(2)]).unwrap();
    let taken = first.take(4).unwrap();
    assert_eq!((taken.len(), taken[0].attempts), (2, 1));
    // It reads for longer than its lease, which is renewed.
    let leases = first.hold();
    let second = connect(&server, "a", SHORT);
    assert!(!second.begins().unwrap());
    std::thread::sleep(SHORT * 3);
    assert_eq!(second.take(4).unwrap(), []);
    drop(leases);
    // Then one by one: what ended the first may end the second.
    let again = take(&second);
    assert_eq!((digests(&again), again[0].attempts), (digests(&taken[..1]), 2));
    let digest = &again[0].item.digest;
    assert!(!first.finish(digest, End::Done, "late").unwrap());
    assert!(second.finish(digest, End::Done, "{}").unwrap());
    assert!(!second.finish(digest, End::Done, "twice").unwrap());
    let other = take(&second);
    assert_eq!(digests(&other), digests(&taken[1..]));
    assert_eq!(take(&connect(&server, "a", SHORT))[0].attempts, 3);
}

#[test]
fn a_walk_is_resumed() {
    let Some(server) = Postgres::start("a_walk_is_resumed") else { return };
    let items: Vec<Item> = (0..3).map(item).collect();
    let first = connect(&server, "a", LONG);
    assert!(first.begins().unwrap());
    first.add(&items).unwrap();
    let tasks = first.take(2).unwrap();
    assert!(first.finish(&tasks[0].item.digest, End::Done, "{}").unwrap());
    assert!(first.finish(&tasks[1].item.digest, End::Failed, "{}").unwrap());
    let second = connect(&server, "a", LONG);
    // One is open still, so nothing is listed; then again, with what failed and what is new.
    assert!(!second.begins().unwrap());
    let rest = second.take(4).unwrap();
    assert_eq!(digests(&rest), [items[2].digest.as_str()]);
    assert!(second.finish(&rest[0].item.digest, End::Done, "{}").unwrap());
    assert!(second.begins().unwrap());
    second.add(&(0..4).map(item).collect::<Vec<_>>()).unwrap();
    let left = second.take(4).unwrap();
    let expected = BTreeSet::from([tasks[1].item.digest.clone(), item(3).digest]);
    assert_eq!(left.iter().map(|it| it.item.digest.clone()).collect::<BTreeSet<_>>(), expected);
    // Another walk has nothing to do with this one.
    let other = connect(&server, "b", LONG);
    assert_eq!((other.open().unwrap(), other.take(4).unwrap()), (0, vec![]));
}

#[test]
fn servers_are_verified_and_passwords_are_not_shown() {
    let test = "servers_are_verified_and_passwords_are_not_shown";
    let Some(server) = Postgres::start(test) else { return };
    let connect = |url: &str, options: &Options| {
        Queue::connect(&url.parse().unwrap(), options, "a", LONG).map(drop)
    };
    let trusting = Options { ca: vec![server.ca()], ..Options::default() };
    let encrypted = format!("{}?sslmode=verify-full", server.url("free"));
    connect(&encrypted, &trusting).unwrap();
    let error = connect(&encrypted, &Options::default()).unwrap_err().to_string();
    assert!(error.contains("certificate"), "{error}");
    let error = connect(&server.url("shop"), &trusting).unwrap_err();
    assert!(matches!(&error, QueueError::Server(text) if text.contains("password")), "{error}");
    assert!(!error.to_string().contains(PASSWORD));
}
