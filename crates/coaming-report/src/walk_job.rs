//! The Kubernetes Job that `coaming image --registry --as-job` prints: one pod for each shard.

use std::io::{self, Write};

/// Where the pods keep the database and what they cache.
const WORK: &str = "/work";

/// A variable, a mount and a volume: the password of a queue, as PostgreSQL's own programs read it.
const QUEUE: [&str; 3] = [
    "            - {name: PGPASSFILE, value: /queue/pgpass}\n",
    "            - {name: queue, mountPath: /queue, readOnly: true}\n",
    "        - name: queue
          secret:
            secretName: registry-queue
            defaultMode: 0440
            items: [{key: pgpass, path: pgpass}]
",
];

/// A Job that walks over a registry.
#[derive(Debug)]
pub struct Job<'a> {
    /// The registry.
    pub host: &'a str,
    /// How many pods there are.
    pub count: u64,
    /// The arguments of each container; Kubernetes puts the number of the shard in the place of
    /// `$(JOB_COMPLETION_INDEX)`.
    pub command: Vec<String>,
    /// Whether the pods share a queue in PostgreSQL, and need its password.
    pub has_queue: bool,
}

impl Job<'_> {
    /// Writes the manifest.
    ///
    /// # Errors
    ///
    /// If writing fails.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let (sharing, password) = match self.has_queue {
            true => (
                "by workers that share a queue",
                "# The password of the queue is in the Secret `registry-queue`, under the key `pgpass`:\n\
                 # HOST:PORT:DATABASE:USER:PASSWORD.\n",
            ),
            false => ("in shards", ""),
        };
        let head = format!(
            "# `coaming image --registry {}` {sharing}, in {} pods.",
            self.host, self.count
        );
        let [variable, mount, volume] = if self.has_queue { QUEUE } else { [""; 3] };
        let args: String = self
            .command
            .iter()
            .map(|argument| format!("            - {}\n", serde_json::json!(argument)))
            .collect();
        let image = concat!("ghcr.io/coaming/coaming:", env!("CARGO_PKG_VERSION"));
        let (count, retries) = (self.count, self.count.saturating_mul(2));
        write!(
            out,
            r#"{head} Credentials are read from the Secret
# `registry-credentials` of type kubernetes.io/dockerconfigjson, if there is one.
{password}apiVersion: batch/v1
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
{variable}          volumeMounts:
            - {{name: work, mountPath: {WORK}}}
            - {{name: credentials, mountPath: /credentials, readOnly: true}}
{mount}          resources: *resources
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
{volume}"#,
        )
    }
}
