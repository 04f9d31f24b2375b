{{/* The newest version that the cluster serves: Strimzi 1.0 serves only v1, and releases before 0.49 only v1beta2. Empty without Strimzi. */}}
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
name: {{ .of.name | quote }}
namespace: {{ .of.namespace | quote }}
{{ regexReplaceAllLiteral "(?m)^labels:$" (include "millrace.metadata" $scope) (printf "labels:\n  strimzi.io/cluster: %q" .of.cluster) }}
{{- end }}

{{/*
The rights that Kafka's authorizer must grant, each once: the table of docs/guides/kafka-security.md. The scaler uses the same user. A right to
read or write includes the right to describe. Takes an item of `strimzi.users`.
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

{{/* A number in the form that Kafka reads. Helm gives numbers from a million on an exponent. */}}
{{- define "millrace.kafkaValue" -}}
{{- $isWhole := and (kindIs "float64" .) (eq (floor .) (float64 .)) -}}
{{- ternary (int64 .) . $isWhole | toString | quote -}}
{{- end }}

{{/* The Secrets of KafkaUsers and of their Kafkas, by namespace, in JSON. Expects the Secret of a user to have the user's name:
Kafkas with a secretPrefix are not supported here. */}}
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
