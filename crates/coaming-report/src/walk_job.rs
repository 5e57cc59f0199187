//! The Kubernetes Job that `coaming image --registry --as-job` prints: one pod for each shard.

use std::io::{self, Write};

/// Where the pods keep the database and what they cache.
const WORK: &str = "/work";

/// Writes the manifest. `command` are the arguments of each container; Kubernetes puts the number of the
/// shard in the place of `$(JOB_COMPLETION_INDEX)`.
///
/// # Errors
///
/// If writing fails.
pub fn write(host: &str, count: u64, command: &[String], out: &mut dyn Write) -> io::Result<()> {
    let image = concat!("ghcr.io/coaming/coaming:", env!("CARGO_PKG_VERSION"));
    let args: String = command
        .iter()
        .map(|argument| format!("            - {}\n", serde_json::json!(argument)))
        .collect();
    write!(
        out,
        r#"# `coaming image --registry {host}` in {count} shards. Credentials are read from the Secret
# `registry-credentials` of type kubernetes.io/dockerconfigjson, if there is one.
apiVersion: batch/v1
kind: Job
metadata:
  name: coaming-registry
spec:
  completionMode: Indexed
  completions: {count}
  parallelism: {count}
  backoffLimit: {retries}
  template:
    spec:
      restartPolicy: Never
      automountServiceAccountToken: false
      enableServiceLinks: false
      securityContext:
        runAsNonRoot: true
        runAsUser: 65532
        runAsGroup: 65532
        fsGroup: 65532
        seccompProfile: {{type: RuntimeDefault}}
      initContainers:
        - name: database
          image: {image}
          args: [db, update]
          env: [{{name: XDG_CACHE_HOME, value: {WORK}}}]
          volumeMounts: [{{name: work, mountPath: {WORK}}}]
          resources: &resources
            requests: {{cpu: 500m, memory: 256Mi}}
            limits: {{memory: 1Gi}}
          securityContext: &context
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities: {{drop: [ALL]}}
      containers:
        - name: coaming
          image: {image}
          args:
{args}          env:
            - {{name: XDG_CACHE_HOME, value: {WORK}}}
            - {{name: TMPDIR, value: {WORK}}}
            - {{name: DOCKER_CONFIG, value: /credentials}}
          volumeMounts:
            - {{name: work, mountPath: {WORK}}}
            - {{name: credentials, mountPath: /credentials, readOnly: true}}
          resources: *resources
          securityContext: *context
      volumes:
        - name: work
          emptyDir: {{sizeLimit: 10Gi}}
        - name: credentials
          secret:
            secretName: registry-credentials
            optional: true
            defaultMode: 0440
            items: [{{key: .dockerconfigjson, path: config.json}}]
"#,
        retries = count.saturating_mul(2),
    )
}
