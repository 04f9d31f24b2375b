{{- define "millrace.fullname" -}}
{{- .Values.fullnameOverride | default .Release.Name | trunc 53 | trimSuffix "-" -}}
{{- end }}

{{/* Cluster-wide names include the namespace, so that those of two installations differ. */}}
{{- define "millrace.clusterName" -}}
millrace:{{ .Release.Namespace }}:{{ include "millrace.fullname" . }}
{{- end }}

{{- define "millrace.gateway" -}}{{ include "millrace.fullname" . }}-gateway{{- end }}
{{- define "millrace.scaler" -}}{{ include "millrace.fullname" . }}-scaler{{- end }}

{{/* The labels that select pods. They never change, because a Deployment's selector is immutable. Takes (dict "root" $ "component" "gateway"). */}}
{{- define "millrace.selector" -}}
app.kubernetes.io/name: millrace
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "millrace.labels" -}}
{{ include "millrace.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: millrace
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- with .root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Without versions, so that a new version of the chart with the same image replaces no pod. */}}
{{- define "millrace.podLabels" -}}
{{ include "millrace.selector" . }}
app.kubernetes.io/part-of: millrace
{{- $own := (index .root.Values .component | default dict).podLabels | default dict }}
{{- with merge (dict) $own .root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* metadata after `name:`: labels, and annotations if there are any. Takes (dict "root" $ "component" … "annotations" …). */}}
{{- define "millrace.metadata" -}}
labels:
  {{- include "millrace.labels" . | nindent 2 }}
{{- with merge (dict) (.annotations | default dict) .root.Values.commonAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "millrace.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{ .repository }}@{{ .digest }}
{{- else -}}
{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}
{{- end -}}
{{- end -}}
{{- end }}

{{/* Takes (dict "root" $ "component" "gateway"). */}}
{{- define "millrace.serviceAccount" -}}
{{- $account := (index .root.Values .component).serviceAccount -}}
{{- if $account.create -}}
{{ $account.name | default (printf "%s-%s" (include "millrace.fullname" .root) .component) }}
{{- else -}}
{{ $account.name | default "default" }}
{{- end -}}
{{- end }}

{{- define "millrace.scalerHost" -}}
{{ include "millrace.host" (dict "root" . "component" "scaler") }}
{{- end }}

{{/* What the restricted Pod Security Standard and OpenShift's restricted-v2 require of a pod. It sets no user, because the image has one, and
OpenShift gives each namespace its own. */}}
{{- define "millrace.podSecurity" -}}
runAsNonRoot: true
seccompProfile: { type: RuntimeDefault }
{{- end }}

{{- define "millrace.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end }}

{{/* The variables that gateway, scaler and cleanup share. */}}
{{- define "millrace.env" -}}
- name: MILLRACE_KUBERNETES
  value: 'true'
- name: POD_NAME
  valueFrom: { fieldRef: { fieldPath: metadata.name } }
- name: POD_NAMESPACE
  valueFrom: { fieldRef: { fieldPath: metadata.namespace } }
- name: POD_UID
  valueFrom: { fieldRef: { fieldPath: metadata.uid } }
{{- with .Values.watchNamespaces }}
- name: WATCH_NAMESPACES
  value: {{ join "," . | quote }}
{{- end }}
- name: MILLRACE_FUNCTION_URIS
  value: {{ .Values.functions.uris }}
- name: MILLRACE_TENANT_ADDRESSES
  value: {{ .Values.tenantAddresses }}
- name: KAFKA_BROKERS
{{- if .Values.kafka.existingSecret.name }}
  valueFrom:
    secretKeyRef:
      name: {{ .Values.kafka.existingSecret.name }}
      key: {{ .Values.kafka.existingSecret.key }}
{{- else if kindIs "slice" .Values.kafka.bootstrapServers }}
  value: {{ join "," .Values.kafka.bootstrapServers | quote }}
{{- else }}
  value: {{ .Values.kafka.bootstrapServers | quote }}
{{- end }}
{{- with .Values.kafka.config }}
{{- if .existingSecret }}
- name: KAFKA_CONFIG
  value: /etc/millrace/kafka/{{ .key }}
{{- end }}
{{- end }}
- name: LOG_LEVEL
  value: {{ .Values.logLevel }}
{{- end }}

{{/* The variables with which gateway and scaler authenticate callers. */}}
{{- define "millrace.accessEnv" -}}
{{- with .Values.access -}}
- name: MILLRACE_TOKEN_REVIEWS
  value: {{ .tokenReviews | quote }}
- name: MILLRACE_METRICS_ACCESS
  value: {{ .metrics }}
{{- with .adminToken }}
{{- if .existingSecret }}
- name: MILLRACE_ADMIN_TOKEN
  valueFrom:
    secretKeyRef: { name: {{ .existingSecret }}, key: {{ .key }} }
{{- end }}
{{- end }}
{{- with .oidc }}
{{- if .issuer }}
- name: MILLRACE_OIDC_ISSUER
  value: {{ .issuer | quote }}
- name: MILLRACE_OIDC_AUDIENCE
  value: {{ .audience | quote }}
- name: MILLRACE_OIDC_ROLES_CLAIM
  value: {{ .rolesClaim | quote }}
- name: MILLRACE_OIDC_VIEWERS
  value: {{ join "," .viewers | quote }}
- name: MILLRACE_OIDC_OPERATORS
  value: {{ join "," .operators | quote }}
{{- if .ca.configMap }}
- name: MILLRACE_OIDC_CA
  value: /etc/millrace/oidc/{{ .ca.key }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{/* The files that gateway and scaler read: mounts, then volumes. Empty if there are none. Takes (dict "root" $ "component" …). */}}
{{- define "millrace.mounts" -}}
{{- $values := .root.Values }}
{{- if $values.kafka.config.existingSecret }}
- { name: kafka, mountPath: /etc/millrace/kafka, readOnly: true }
{{- end }}
{{- if include "millrace.tls" . }}
- { name: tls, mountPath: /etc/millrace/tls, readOnly: true }
{{- end }}
{{- if eq .component "gateway" }}
{{- if $values.scaler.tls.enabled }}
- { name: scaler-ca, mountPath: /etc/millrace/scaler-ca, readOnly: true }
{{- end }}
{{- if $values.access.tokenReviews }}
- { name: token, mountPath: /var/run/secrets/millrace, readOnly: true }
{{- end }}
{{- else if eq (include "millrace.clientCa" .root) "/etc/millrace/clients/ca.crt" }}
- { name: clients, mountPath: /etc/millrace/clients, readOnly: true }
{{- end }}
{{- if and $values.access.oidc.issuer $values.access.oidc.ca.configMap }}
- { name: oidc-ca, mountPath: /etc/millrace/oidc, readOnly: true }
{{- end }}
{{- end }}
{{- define "millrace.volumes" -}}
{{- $values := .root.Values }}
{{- with $values.kafka.config.existingSecret }}
- name: kafka
  secret: { secretName: {{ . }} }
{{- end }}
{{- if include "millrace.tls" . }}
- name: tls
  secret: { secretName: {{ include "millrace.tlsSecret" . }} }
{{- end }}
{{- if eq .component "gateway" }}
{{- if $values.scaler.tls.enabled }}
- name: scaler-ca
  secret:
    secretName: {{ include "millrace.tlsSecret" (dict "root" .root "component" "scaler") }}
    items: [{ key: ca.crt, path: ca.crt }]
{{- end }}
{{- if $values.access.tokenReviews }}
# Authenticates a gateway to scalers: valid for the audience millrace only, and renewed by the kubelet.
- name: token
  projected:
    sources: [{ serviceAccountToken: { audience: millrace, expirationSeconds: 3600, path: token } }]
{{- end }}
{{- else if eq (include "millrace.clientCa" .root) "/etc/millrace/clients/ca.crt" }}
- name: clients
  configMap: { name: {{ include "millrace.scaler" .root }}-clients }
{{- end }}
{{- with $values.access.oidc }}
{{- if and .issuer .ca.configMap }}
- name: oidc-ca
  configMap: { name: {{ .ca.configMap }} }
{{- end }}
{{- end }}
{{- end }}

{{/* Where pods are scheduled. Takes (dict "root" $ "component" "gateway"). */}}
{{- define "millrace.placement" -}}
{{- $values := index .root.Values .component -}}
{{- with .root.Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with $values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
topologySpreadConstraints:
{{- if $values.topologySpreadConstraints }}
  {{- toYaml $values.topologySpreadConstraints | nindent 2 }}
{{- else }}
  {{- range list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
  - topologyKey: {{ . }}
    maxSkew: 1
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "millrace.selector" $ | nindent 8 }}
    matchLabelKeys: [pod-template-hash]
  {{- end }}
{{- end }}
{{- end }}

{{/* The variables of the scaler, and of the cleanup Job. */}}
{{- define "millrace.scalerEnv" -}}
{{ include "millrace.env" . }}
- name: SCALER_SERVICE
  value: {{ include "millrace.scalerHost" . }}:6000
- name: SCALER_GRPC_PORT
  value: '6000'
- name: SCALER_HTTP_PORT
  value: '8081'
{{- if .Values.scaler.tls.enabled }}
- name: SCALER_TLS_CERT
  value: /etc/millrace/tls/tls.crt
- name: SCALER_TLS_KEY
  value: /etc/millrace/tls/tls.key
- name: SCALER_TLS_CA
  value: /etc/millrace/tls/ca.crt
{{- end }}
{{- with include "millrace.clientCa" . }}
- name: SCALER_TLS_CLIENT_CA
  value: {{ . }}
- name: SCALER_CLUSTER_AUTHENTICATION
  value: {{ include "millrace.kedaClient" $ }}
{{- end }}
{{- end }}
