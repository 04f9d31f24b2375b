{{/* What every pod of the chart is made of. Each takes (dict "root" $ "component" …), where the component is a section of the values with the fields
of definitions/pod in values.schema.json. */}}

{{/* A field of the section. The pods of hooks run where the scaler does, unless they say otherwise. */}}
{{- define "millrace.podField" -}}
{{- $own := index .root.Values .component .field -}}
{{- $isHook := not (has .component (list "gateway" "scaler")) -}}
{{- toJson (ternary (index .root.Values.scaler .field) $own (and $isHook (empty $own))) -}}
{{- end }}

{{/* Labels and annotations: without versions, so that a new version of the chart with the same image replaces no pod. */}}
{{- define "millrace.podMetadata" -}}
labels:
  {{- include "millrace.selector" . | nindent 2 }}
  app.kubernetes.io/part-of: millrace
  {{- with merge (dict) (index .root.Values .component).podLabels (include "millrace.commonLabels" .root | fromYaml) }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
annotations:
  kubectl.kubernetes.io/default-container: {{ .component }}
  {{- with (index .root.Values .component).podAnnotations }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}

{{/* What is set for all pods meets the restricted Pod Security Standard and OpenShift's restricted-v2. It sets no user, because the image has one, and
OpenShift gives each namespace its own. */}}
{{- define "millrace.podFields" -}}
{{- $values := index .root.Values .component -}}
enableServiceLinks: false
securityContext:
  {{- mergeOverwrite (deepCopy .root.Values.podSecurityContext) $values.podSecurityContext | toYaml | nindent 2 }}
{{- with concat .root.Values.imagePullSecrets (.root.Values.global.imagePullSecrets | default list) }}
imagePullSecrets:
  {{- range . }}
  - name: {{ if kindIs "string" . }}{{ quote . }}{{ else }}{{ quote .name }}{{ end }}
  {{- end }}
{{- end }}
{{- range $field := list "priorityClassName" "nodeSelector" "tolerations" "affinity" }}
{{- $given := include "millrace.podField" (merge (dict "field" $field) $) }}
{{- if not (has $given (list "\"\"" "{}" "[]" "null")) }}
{{ $field }}: {{ $given }}
{{- end }}
{{- end }}
{{- with include "millrace.spread" . | trim }}
topologySpreadConstraints:
  {{- . | nindent 2 }}
{{- end }}
{{- end }}

{{/* Gateways and scalers spread over nodes and zones as far as possible. Of the others there is one pod. */}}
{{- define "millrace.spread" -}}
{{- if (index .root.Values .component).topologySpreadConstraints }}
{{- toYaml (index .root.Values .component).topologySpreadConstraints }}
{{- else if has .component (list "gateway" "scaler") }}
{{- range list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
- topologyKey: {{ . }}
  maxSkew: 1
  whenUnsatisfiable: ScheduleAnyway
  labelSelector:
    matchLabels:
      {{- include "millrace.selector" $ | nindent 6 }}
  matchLabelKeys: [pod-template-hash]
{{- end }}
{{- end }}
{{- end }}

{{- define "millrace.containerFields" -}}
{{- $values := index .root.Values .component -}}
image: {{ include "millrace.image" .root }}
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
{{- with $values.extraEnvFrom }}
envFrom:
  {{- toYaml . | nindent 2 }}
{{- end }}
resources:
  {{- toYaml $values.resources | nindent 2 }}
securityContext:
  {{- mergeOverwrite (deepCopy .root.Values.securityContext) $values.securityContext | toYaml | nindent 2 }}
{{- with printf "%s\n%s" (include "millrace.mounts" . | trim) (include "millrace.extra" (dict "items" $values.extraVolumeMounts)) | trim }}
volumeMounts:
  {{- . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "millrace.volumeFields" -}}
{{- $values := index .root.Values .component -}}
{{- with printf "%s\n%s" (include "millrace.volumes" . | trim) (include "millrace.extra" (dict "items" $values.extraVolumes)) | trim }}
volumes:
  {{- . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "millrace.extra" -}}
{{- with .items }}{{ toYaml . }}{{ end -}}
{{- end }}

{{/* The variables that the values add, after the chart's own. */}}
{{- define "millrace.extraEnv" -}}
{{ include "millrace.extra" (dict "items" (index .root.Values .component).extraEnv) }}
{{- end }}

{{/* The Secrets and ConfigMaps that the chart mounts, by component. A pod waits until the Secret of its certificate is there. */}}
{{- define "millrace.files" -}}
{{- $values := .root.Values -}}
{{- $files := list -}}
{{- if has .component (list "gateway" "scaler") -}}
{{- with $values.kafka.config.existingSecret -}}
{{- $files = append $files (dict "name" "kafka" "secret" (dict "secretName" .)) -}}
{{- end -}}
{{- if include "millrace.tls" . -}}
{{- $files = append $files (dict "name" "tls" "secret" (dict "secretName" (include "millrace.tlsSecret" .))) -}}
{{- end -}}
{{- if eq .component "gateway" -}}
{{- if $values.scaler.tls.enabled -}}
{{- $secret := include "millrace.tlsSecret" (dict "root" .root "component" "scaler") -}}
{{- $only := list (dict "key" "ca.crt" "path" "ca.crt") -}}
{{- $files = append $files (dict "name" "scaler-ca" "secret" (dict "secretName" $secret "items" $only)) -}}
{{- end -}}
{{- if $values.access.tokenReviews -}}
{{- /* Authenticates a gateway to scalers: valid for the audience millrace only, and renewed by the kubelet. */ -}}
{{- $token := dict "audience" "millrace" "expirationSeconds" 3600 "path" "token" -}}
{{- $sources := list (dict "serviceAccountToken" $token) -}}
{{- $files = append $files (dict "name" "token" "at" "/var/run/secrets/millrace" "projected" (dict "sources" $sources)) -}}
{{- end -}}
{{- end -}}
{{- if and $values.access.oidc.issuer $values.access.oidc.ca.configMap -}}
{{- $files = append $files (dict "name" "oidc-ca" "at" "/etc/millrace/oidc" "configMap" (dict "name" $values.access.oidc.ca.configMap)) -}}
{{- end -}}
{{- else if eq .component "test" -}}
{{- range $server := list "gateway" "scaler" -}}
{{- $scope := dict "root" $.root "component" $server -}}
{{- if include "millrace.tls" $scope -}}
{{- $secret := dict "secretName" (include "millrace.tlsSecret" $scope) -}}
{{- if not (and (eq $server "scaler") (include "millrace.kedaClientNamespace" $.root)) -}}
{{- $_ := set $secret "items" (list (dict "key" "ca.crt" "path" "ca.crt")) -}}
{{- end -}}
{{- $files = append $files (dict "name" $server "secret" $secret) -}}
{{- end -}}
{{- end -}}
{{- else if eq .component "certificates" -}}
{{- $configMap := printf "%s-certificates" (include "millrace.fullname" .root) -}}
{{- $files = append $files (dict "name" "certificates" "configMap" (dict "name" $configMap)) -}}
{{- end -}}
{{- toJson $files -}}
{{- end }}

{{- define "millrace.mounts" -}}
{{- range include "millrace.files" . | fromJsonArray }}
- { name: {{ .name }}, mountPath: {{ .at | default (printf "/etc/millrace/%s" .name) }}, readOnly: true }
{{- end }}
{{- end }}
{{- define "millrace.volumes" -}}
{{- range include "millrace.files" . | fromJsonArray }}
- {{ toYaml (omit . "at") | nindent 2 | trim }}
{{- end }}
{{- end }}
