//! The output of `docker inspect` as input.

use super::{coaming, directory, json, run, stdout};

/// What Docker 28 prints of a container, shortened.
fn inspected() -> String {
    let id = "4bf5122f344554c53bde2ebb8cd2b7e3d1600ad631c385a5d7cce23c7785459a";
    format!(
        r#"[
    {{
        "Id": "{id}",
        "Created": "2026-11-02T09:11:28.391736514Z",
        "Path": "docker-entrypoint.sh",
        "Args": ["postgres", "--password=vS8kq-2pLx7w"],
        "State": {{"Status": "running", "Pid": 4242}},
        "Image": "sha256:{id}",
        "Name": "/database",
        "Mounts": [
            {{"Type": "bind", "Source": "/var/run/docker.sock", "Destination": "/var/run/docker.sock", "Mode": "", "RW": true}},
            {{"Type": "volume", "Name": "data", "Source": "/var/lib/docker/volumes/data/_data", "Destination": "/data"}}
        ],
        "HostConfig": {{"NetworkMode": "bridge", "Privileged": true, "PidMode": "", "UsernsMode": ""}},
        "Config": {{
            "Hostname": "4bf5122f3445",
            "User": "",
            "Env": ["POSTGRES_PASSWORD=kei4ohGh3aKoo7", "PATH=/usr/local/sbin:/usr/local/bin"],
            "Cmd": ["postgres", "--password=vS8kq-2pLx7w"],
            "Image": "postgres:16.4",
            "Entrypoint": ["docker-entrypoint.sh"],
            "Labels": {{"com.example.team": "shop"}}
        }},
        "NetworkSettings": {{"IPAddress": "172.17.0.2"}}
    }}
]
"#
    )
}

#[test]
fn secrets_and_rights_of_a_docker_container() {
    let files = directory(&[("inspect.json", &inspected())]);
    let path = files.path().join("inspect.json");
    let output = run(&["scan", "--format", "json", path.to_str().unwrap()]);
    let report = json(&output);
    let mut found: Vec<(&str, &str)> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| {
            let path = finding["locations"][0]["path"].as_str().unwrap();
            (finding["rule"].as_str().unwrap(), path)
        })
        .collect();
    found.sort_unstable();
    let expected = [
        ("docker-container", "HostConfig.Privileged"),
        ("docker-container", "Mounts[0].Source"),
        ("plain-secret-command", "Config.Cmd[1]"),
        ("plain-secret-environment", "Config.Env[0]"),
    ];
    assert_eq!(found, expected, "{report:#}");
    assert_eq!(report["errors"].as_array().unwrap().len(), 0);
    for value in ["kei4ohGh3aKoo7", "vS8kq-2pLx7w"] {
        assert!(!stdout(&output).contains(value), "a secret is never shown");
    }
    let finding = &report["findings"][0];
    assert_eq!(finding["object"]["name"], "database");
}

#[test]
fn other_json_is_still_an_error() {
    let files = directory(&[("other.json", "[{\"Id\": \"1\", \"Name\": \"/web\"}]")]);
    let output = coaming(&["scan"]).arg(files.path().join("other.json")).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
}
