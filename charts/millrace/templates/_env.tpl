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
      name: {{ .Values.kafka.existingSecret.name | quote }}
      key: {{ .Values.kafka.existingSecret.key | quote }}
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
    secretKeyRef: { name: {{ .existingSecret | quote }}, key: {{ .key | quote }} }
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
