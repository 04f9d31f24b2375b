{{/* The best of what is served: 1.0 serves v1 alone, and releases before 0.49 v1beta2 alone. Empty where Strimzi is not there. */}}
{{- define "millrace.strimziVersion" -}}
{{- if .Capabilities.APIVersions.Has "kafka.strimzi.io/v1" -}}
kafka.strimzi.io/v1
{{- else if .Capabilities.APIVersions.Has "kafka.strimzi.io/v1beta2" -}}
kafka.strimzi.io/v1beta2
{{- end -}}
{{- end }}

{{/* metadata of a resource that belongs to a Kafka. Takes (dict "root" $ "of" item "annotations" …). */}}
{{- define "millrace.strimziMetadata" -}}
{{- $scope := dict "root" .root "component" "kafka" "annotations" (.annotations | default dict) -}}
name: {{ .of.name }}
namespace: {{ .of.namespace }}
{{ regexReplaceAllLiteral "(?m)^labels:$" (include "millrace.metadata" $scope) (printf "labels:\n  strimzi.io/cluster: %s" .of.cluster) }}
{{- end }}

{{/*
What Kafka's authorizer has to allow, once each: the table of docs/guides/kafka-security.md. The scaler shows the same user, and who may
read or write may describe. Takes an item of `strimzi.users`.
*/}}
{{- define "millrace.kafkaRights" -}}
{{- $rights := list -}}
{{- range .triggers -}}
{{- $own := printf "millrace.%s." (.namespace | default $.namespace) -}}
{{- $group := .consumerGroup | default (ternary (printf "%s%s" $own (.name | default "")) "" (hasKey . "name")) -}}
{{- range .topics }}{{ $rights = append $rights (list "Read" "topic" . "literal") }}{{ end -}}
{{- with .topicPrefix }}{{ $rights = append $rights (list "Read" "topic" . "prefix") }}{{ end -}}
{{- $rights = append $rights (list "Read" "group" ($group | default $own) (ternary "literal" "prefix" (ne $group ""))) -}}
{{- with .deadLetterTopic }}{{ $rights = append $rights (list "Write" "topic" . "literal") }}{{ end -}}
{{- with .replyTopic }}{{ $rights = append $rights (list "Write" "topic" . "literal") }}{{ end -}}
{{- if .transactional -}}
{{- $id := ternary (printf "millrace:%s:" $group) (printf "millrace:%s" $own) (ne $group "") -}}
{{- $rights = append $rights (list "Write" "transactionalId" $id "prefix") -}}
{{- end -}}
{{- end -}}
{{- range uniq $rights }}
- operations: [{{ index . 0 }}]
  resource: { type: {{ index . 1 }}, name: {{ index . 2 | toJson }}, patternType: {{ index . 3 }} }
{{- end }}
{{- end }}

{{/* A number as Kafka reads it: in values, those of a million and more have an exponent. */}}
{{- define "millrace.kafkaValue" -}}
{{- $isWhole := and (kindIs "float64" .) (eq (floor .) (float64 .)) -}}
{{- ternary (int64 .) . $isWhole | toString | quote -}}
{{- end }}

{{/* The Secrets of KafkaUsers and of their Kafkas, as items of `secretAccess`, one for each namespace: a mapping in JSON. */}}
{{- define "millrace.strimziSecrets" -}}
{{- $secrets := dict -}}
{{- if .Values.strimzi.enabled -}}
{{- range .Values.strimzi.users -}}
{{- $names := index $secrets .namespace | default list -}}
{{- $_ := set $secrets .namespace (concat $names (list .name (printf "%s-cluster-ca-cert" .cluster)) | uniq) -}}
{{- end -}}
{{- end -}}
{{- toJson $secrets -}}
{{- end }}
