{{- define "coaming.labels" -}}
app.kubernetes.io/name: {{ .Values.name }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "coaming.selector" -}}
app.kubernetes.io/name: {{ .Values.name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "coaming.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end }}

{{/* Namespaces that are never judged: the API server does not even ask. */}}
{{- define "coaming.excluded" -}}
{{- $names := concat (list "kube-system" "kube-node-lease" .Release.Namespace) .Values.excludedNamespaces | uniq -}}
- key: kubernetes.io/metadata.name
  operator: NotIn
  values: {{ toJson $names }}
{{- end }}

{{/* What all webhooks have in common. */}}
{{- define "coaming.client" -}}
admissionReviewVersions: [v1]
# Metrics and events, which dry runs do not cause.
sideEffects: NoneOnDryRun
matchPolicy: Equivalent
timeoutSeconds: 3
{{- end }}

{{- define "coaming.service" -}}
service:
  name: {{ .Values.name }}
  namespace: {{ .Release.Namespace }}
{{- end }}

{{/* Workloads and their pods. */}}
{{- define "coaming.workloads" -}}
- apiGroups: [""]
  apiVersions: [v1]
  resources: [pods, pods/ephemeralcontainers, pods/resize, replicationcontrollers]
  operations: [CREATE, UPDATE]
  scope: Namespaced
- apiGroups: [apps]
  apiVersions: [v1]
  resources: [daemonsets, deployments, replicasets, statefulsets]
  operations: [CREATE, UPDATE]
  scope: Namespaced
- apiGroups: [batch]
  apiVersions: [v1, v1beta1]
  resources: [cronjobs, jobs]
  operations: [CREATE, UPDATE]
  scope: Namespaced
{{- end }}

{{/* What else is judged in a namespace. */}}
{{- define "coaming.others" -}}
- apiGroups: [""]
  apiVersions: [v1]
  resources: [configmaps, secrets]
  operations: [CREATE, UPDATE]
  scope: Namespaced
- apiGroups: [networking.k8s.io]
  apiVersions: [v1]
  resources: [networkpolicies]
  operations: [CREATE, UPDATE]
  scope: Namespaced
- apiGroups: [rbac.authorization.k8s.io]
  apiVersions: [v1]
  resources: [rolebindings, roles]
  operations: [CREATE, UPDATE]
  scope: Namespaced
{{- range .Values.furtherKinds }}
- {{ toJson (merge (dict "operations" (list "CREATE" "UPDATE")) .) }}
{{- end }}
{{- end }}

{{/* Namespaces by what happens while no server answers, and not those that are labeled out. */}}
{{- define "coaming.namespaces" -}}
namespaceSelector:
  matchExpressions:
    {{- include "coaming.excluded" .root | nindent 4 }}
    - {key: coaming.dev/mode, operator: NotIn, values: [disabled]}
    - {key: coaming.dev/failure-policy, operator: {{ .operator }}, values: [fail]}
{{- end }}
