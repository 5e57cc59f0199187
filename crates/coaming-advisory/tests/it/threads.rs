//! One database is shared between threads, which all get the same answers.

use std::thread;

use coaming_advisory::{Database, DeploymentContext, Matches};
use coaming_image::{Distribution, Package};

use crate::world::{World, fixed, packages};

const THREADS: usize = 8;

fn answer(
    database: &Database,
    packages: &[Package],
    distribution: Option<&Distribution>,
) -> Matches {
    database.matches(packages, distribution, DeploymentContext::default()).unwrap()
}

#[test]
fn a_database_can_be_shared() {
    fn shared<T: Send + Sync>() {}
    shared::<Database>();
}

#[test]
fn all_threads_get_the_same_answers() {
    // More advisories than one block contains, about packages that share blocks.
    let records: Vec<_> = (0..500)
        .map(|number| {
            let (id, package) = (format!("GHSA-{number:04}"), format!("p{}", number % 100));
            fixed(&id, "npm", &package, "2.0.0")
        })
        .collect();
    let world = World::new(&records);
    let urls: Vec<String> = (0..120).map(|number| format!("pkg:npm/p{number}@1.0.0")).collect();
    let (packages, distribution) = packages(&urls.iter().map(String::as_str).collect::<Vec<_>>());
    let distribution = distribution.as_ref();
    let expected = answer(&world.database(), &packages, distribution);
    assert_eq!(expected.vulnerabilities.len(), 500);
    // Nothing is cached at first: the threads also compete for the blocks.
    let database = world.database();
    let answers: Vec<Matches> = thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|number| {
                let mut packages = packages.clone();
                let middle = number * packages.len() / THREADS;
                packages.rotate_left(middle);
                let database = &database;
                scope.spawn(move || answer(database, &packages, distribution))
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    for each in answers {
        assert_eq!(each, expected);
    }
}
