{{/* Whether the chart renders anything. Every template begins with it, because it also puts the defaults in the place of values that are absent or
null, once for each rendering: others may then read any value. */}}
{{- define "millrace.enabled" -}}
{{- if not (hasKey .Values "hasDefaults") -}}
{{- include "millrace.addDefaults" (dict "values" .Values "defaults" (.Files.Get "files/defaults.yaml" | fromYaml)) -}}
{{- $_ := set .Values "hasDefaults" true -}}
{{- end -}}
{{- if .Values.enabled }}true{{ end -}}
{{- end }}

{{/* Changes `values`. What Kubernetes reads as it stands stays as it is given, so that null removes a default there, such as a limit. */}}
{{- define "millrace.addDefaults" -}}
{{- $values := .values -}}
{{- range $key, $default := .defaults -}}
{{- $given := index $values $key -}}
{{- if kindIs "invalid" $given -}}
{{- $_ := set $values $key (deepCopy $default) -}}
{{- else if and (kindIs "map" $default) (not (has $key (list "resources" "podSecurityContext" "securityContext" "issuerRef"))) -}}
{{- include "millrace.addDefaults" (dict "values" $given "defaults" $default) -}}
{{- end -}}
{{- end -}}
{{- end }}

{{/* Labels and annotations that an umbrella chart gives to all its charts, and those of this one, which win. */}}
{{- define "millrace.commonLabels" -}}
{{ toYaml (merge (dict) .Values.commonLabels (.Values.global.commonLabels | default dict)) }}
{{- end }}
{{- define "millrace.commonAnnotations" -}}
{{ toYaml (merge (dict) .Values.commonAnnotations (.Values.global.commonAnnotations | default dict)) }}
{{- end }}
