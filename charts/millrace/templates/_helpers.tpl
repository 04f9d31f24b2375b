{{/* What the names of resources begin with: the release's name, and the chart's name where the release has other charts. Always the begin of a
legal name, with room for the longest end of a Service (-scaler-pods, within 63 characters): dots become hyphens, a digit gets a letter before it,
and a hash stands for what is too long. */}}
{{- define "millrace.fullname" -}}
{{- $name := .Values.fullnameOverride -}}
{{- if not $name -}}
{{- $own := .Values.nameOverride | default (ternary "" .Chart.Name .Chart.IsRoot) -}}
{{- $name = ternary .Release.Name (printf "%s-%s" .Release.Name $own) (contains $own .Release.Name) -}}
{{- end -}}
{{- $name = $name | lower | replace "." "-" | replace "_" "-" -}}
{{- $name = ternary (printf "m%s" $name) $name (regexMatch "^[0-9]" $name) -}}
{{- if gt (len $name) 51 -}}
{{- $name = printf "%s-%s" (trunc 42 $name | trimSuffix "-") (sha256sum $name | trunc 8) -}}
{{- end -}}
{{ $name }}
{{- end }}

{{/* Cluster-wide names include the namespace, so that those of two installations differ. */}}
{{- define "millrace.clusterName" -}}
millrace:{{ .Release.Namespace }}:{{ include "millrace.fullname" . }}
{{- end }}

{{- define "millrace.gateway" -}}{{ include "millrace.fullname" . }}-gateway{{- end }}
{{- define "millrace.scaler" -}}{{ include "millrace.fullname" . }}-scaler{{- end }}

{{/* The labels that select pods. They never change, because a Deployment's selector is immutable. Takes (dict "root" $ "component" "gateway"). */}}
{{- define "millrace.selector" -}}
{{ include "millrace.release" .root }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{/* The labels that all pods of this installation have, and no others: a release may have the chart twice, under different names. */}}
{{- define "millrace.release" -}}
app.kubernetes.io/name: millrace
app.kubernetes.io/instance: {{ ternary .Release.Name (include "millrace.fullname" .) (and .Chart.IsRoot (empty .Values.nameOverride)) | quote }}
{{- end }}

{{- define "millrace.labels" -}}
{{ include "millrace.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: millrace
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- with include "millrace.commonLabels" .root | fromYaml }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* metadata after `name:`: labels, and annotations if there are any. Takes (dict "root" $ "component" … "annotations" …). */}}
{{- define "millrace.metadata" -}}
labels:
  {{- include "millrace.labels" . | nindent 2 }}
{{- with merge (dict) (.annotations | default dict) (include "millrace.commonAnnotations" .root | fromYaml) }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* global.imageRegistry stands in the place of the registry that image.repository names. */}}
{{- define "millrace.image" -}}
{{- $image := .Values.image -}}
{{- $repository := $image.repository -}}
{{- with .Values.global.imageRegistry -}}
{{- $repository = printf "%s/%s" (trimSuffix "/" .) (regexReplaceAllLiteral "^([^/]*[.:][^/]*|localhost)/" $repository "") -}}
{{- end -}}
{{- if $image.digest -}}
{{ $repository }}@{{ $image.digest }}
{{- else -}}
{{ $repository }}:{{ $image.tag | default .Chart.AppVersion }}
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

{{/* The IP families of a Service. Empty: those that the cluster gives. */}}
{{- define "millrace.ipFamilies" -}}
{{- with .Values.service.ipFamilyPolicy }}
ipFamilyPolicy: {{ . }}
{{- end }}
{{- with .Values.service.ipFamilies }}
ipFamilies: {{ toJson . }}
{{- end }}
{{- end }}
