//! `net suggest` with the logs of each recorder of flows.

use coaming_network::from_world;
use coaming_network::suggest::{Answers, SuggestError, SuggestOptions, suggest, suggest_with};

use crate::common::world;
use crate::suggest::{flows, ids};

/// Pods with addresses, and a Service in front of one.
fn running() -> String {
    let pod = |name: &str, ip: &str| {
        format!(
            "---\napiVersion: v1\nkind: Pod\nmetadata: {{name: {name}-7d9f-x2x4z, namespace: shop, labels: {{app: {name}}}}}\nspec: {{containers: [{{name: c, image: x}}]}}\nstatus: {{podIP: {ip}}}\n"
        )
    };
    pod("web", "10.0.0.1")
        + &pod("db", "10.0.0.2")
        + "---\napiVersion: v1\nkind: Service\nmetadata: {name: db, namespace: shop}\nspec: {clusterIP: 10.96.0.9, selector: {app: db}, ports: [{port: 80, targetPort: 5432}]}\n"
}

/// The same connection, as each recorder writes it, and one to an address outside.
#[test]
fn logs_of_each_kind() {
    let input = world(&running());
    let logs = [
        // Inspektor Gadget, by packets, then by sides, then by endpoint.
        r#"{"type":"debug","message":"tracer attached"}
{"namespace":"shop","pod":"web-7d9f-x2x4z","type":"normal","pktType":"OUTGOING","proto":"tcp","port":80,"podIP":"10.0.0.1","podLabels":{"app":"web"},"remoteKind":"svc","remoteAddr":"10.96.0.9","remoteName":"db","remoteNamespace":"shop","remoteLabels":{"app":"db"}}
{"namespace":"shop","pod":"web-7d9f-x2x4z","type":"normal","pktType":"OUTGOING","proto":"tcp","port":443,"podLabels":{"app":"web"},"remoteKind":"other","remoteAddr":"203.0.113.5"}"#,
        r#"{"k8s":{"namespace":"shop","podName":"web-7d9f-x2x4z","podLabels":"app=web"},"type":"connect","src":{"addr":"10.0.0.1","port":40000},"dst":{"addr":"10.96.0.9","port":80,"proto":"TCP","k8s":{"kind":"svc","name":"db","namespace":"shop"}}}
{"k8s":{"namespace":"shop","podName":"web-7d9f-x2x4z"},"type":"connect","src":{"addr":"10.0.0.1"},"dst":{"addr":"203.0.113.5","port":443,"proto":"TCP"}}"#,
        r#"{"k8s":{"namespace":"shop","podName":"db-7d9f-x2x4z","podLabels":"app=db"},"egress":0,"endpoint":{"addr":"10.0.0.1","port":5432,"proto":"TCP","k8s":{"kind":"pod","name":"web-7d9f-x2x4z","namespace":"shop","labels":"app=web"}}}
{"k8s":{"namespace":"shop","podName":"web-7d9f-x2x4z","podLabels":"app=web"},"egress":1,"endpoint":{"addr":"203.0.113.5","port":443,"proto":"TCP"}}"#,
        // Calico: Enterprise, then Goldmane.
        r#"{"action":"allow","reporter":"src","proto":"tcp","source_type":"wep","source_namespace":"shop","source_name":"-","source_name_aggr":"web-7d9f-*","source_labels":{"labels":["app=web"]},"dest_type":"wep","dest_namespace":"shop","dest_name_aggr":"db-7d9f-*","dest_labels":{"labels":["app=db"]},"dest_port":5432,"dest_ip":null}
{"action":"deny","proto":"tcp","source_type":"wep","source_namespace":"shop","source_name_aggr":"db-7d9f-*","dest_type":"wep","dest_namespace":"shop","dest_name_aggr":"web-7d9f-*","dest_port":22}
{"action":"allow","proto":"tcp","source_type":"wep","source_namespace":"shop","source_name_aggr":"web-7d9f-*","source_labels":{"labels":["app=web"]},"dest_type":"net","dest_namespace":"-","dest_name_aggr":"pub","dest_ip":"203.0.113.5","dest_port":443}"#,
        r#"{"action":"Allow","protocol":"tcp","source_namespace":"shop","source_name":"web-7d9f-*","source_labels":"app=web","dest_namespace":"shop","dest_name":"db-7d9f-*","dest_labels":"app=db | x=y","dest_port":"5432","reporter":"Dst"}
{"action":"Allow","protocol":"tcp","source_namespace":"shop","source_name":"web-7d9f-*","source_labels":"app=web","dest_type":"net","dest_name":"pub","dest_ip":"203.0.113.5","dest_port":443}"#,
        // The kernel: the second direction names the pod behind the Service.
        "tcp      6 431999 ESTABLISHED src=10.0.0.1 dst=10.96.0.9 sport=40000 dport=80 src=10.0.0.2 dst=10.0.0.1 sport=5432 dport=40000 [ASSURED] mark=0 use=1
ipv4     2 tcp      6 100 ESTABLISHED src=10.0.0.1 dst=203.0.113.5 sport=40001 dport=443 src=203.0.113.5 dst=192.0.2.1 sport=443 dport=40001 [ASSURED] mark=0 zone=0 use=2
tcp      6 10 SYN_SENT src=10.0.0.2 dst=10.0.0.1 sport=40000 dport=22 [UNREPLIED] src=10.0.0.1 dst=10.0.0.2 sport=22 dport=40000 mark=0 use=1
icmp     1 29 src=10.0.0.1 dst=10.0.0.2 type=8 code=0 id=1 src=10.0.0.2 dst=10.0.0.1 type=0 code=0 id=1 mark=0 use=1
conntrack v1.4.7 (conntrack-tools): 4 flow entries have been shown.",
    ];
    for log in logs {
        let suggestion = suggest(&input, Some(log)).unwrap();
        let found = flows(&from_world(&input), &suggestion);
        assert_eq!(found.len(), 1, "{found:?}: {log}");
        assert!(found[0].ends_with("TCP 5432"), "{found:?}: {log}");
        let outside = ids(&suggestion);
        assert_eq!(outside.len(), 1, "{outside:?}: {log}");
        assert!(outside[0].ends_with("to 203.0.113.5/32:TCP/443"), "{outside:?}");
        let answers = Answers::read(&format!("{:?}: yes", outside[0])).unwrap();
        let options =
            SuggestOptions { log: Some(log), answers: Some(&answers), ..SuggestOptions::default() };
        let answered = suggest_with(&input, &options).unwrap();
        assert!(answered.yaml.contains("cidr: 203.0.113.5/32"), "{}", answered.yaml);
    }
}

#[test]
fn logs_that_say_little() {
    let input = world(&running());
    let other = "tcp 6 9 ESTABLISHED src=10.9.0.1 dst=10.9.0.2 sport=4 dport=8 src=10.9.0.2 dst=10.9.0.1 sport=8 dport=4 use=1";
    let ask = |log: &str| suggest(&input, Some(log)).unwrap();
    assert_eq!(ids(&ask(other)), ["log of another cluster"]);
    assert_eq!(ids(&ask(r#"{"lost_events":{"num_events_lost":"7"}}"#)), ["lost events"]);
    for bad in ["{}", r#"{"time": 1}"#, "10:00:01 IP 10.0.0.1.4 > 10.0.0.2.8: Flags [S]", "[1]"] {
        let error = suggest(&input, Some(bad)).unwrap_err();
        assert!(matches!(error, SuggestError::FlowLog { line: 1, .. }), "{bad}: {error}");
    }
}
