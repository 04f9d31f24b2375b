{{/* What no schema can tell: fails with what to do. */}}
{{- define "millrace.checks" -}}
{{- if not (or .Values.kafka.bootstrapServers .Values.kafka.existingSecret.name .Values.kafka.config.existingSecret) }}
{{- fail "Millrace needs to know your Kafka: --set kafka.bootstrapServers=HOST:PORT, or kafka.existingSecret.name of a Secret that holds it, or kafka.config.existingSecret of one with client properties." }}
{{- end }}
{{- if and .Values.kafka.bootstrapServers .Values.kafka.existingSecret.name }}
{{- fail "kafka.bootstrapServers and kafka.existingSecret.name are both set: one of them names the brokers." }}
{{- end }}
{{- if and .Values.keda.check (not (.Capabilities.APIVersions.Has "keda.sh/v1alpha1/ScaledObject")) }}
{{- fail "Millrace scales functions through KEDA, and this cluster has none (no keda.sh/v1alpha1 ScaledObject). Install it first: https://keda.sh/docs/latest/deploy/. Where the cluster cannot be asked, as by `helm template`: --api-versions keda.sh/v1alpha1/ScaledObject, or --set keda.check=false." }}
{{- end }}
{{- include "millrace.strimziChecks" . }}
{{- range $component := list "gateway" "scaler" }}
{{- with (index $.Values $component).tls }}
{{- if and (not .enabled) (or .existingSecret .certManager.enabled) }}
{{- fail (printf "%s.tls.enabled is false, and a certificate is named: remove one of both." $component) }}
{{- end }}
{{- if and .existingSecret .certManager.enabled }}
{{- fail (printf "%s.tls.existingSecret and %s.tls.certManager.enabled are both set: one of them brings the certificate." $component $component) }}
{{- end }}
{{- if and .certManager.enabled (not .certManager.issuerRef.name) }}
{{- fail (printf "%s.tls.certManager.enabled needs an issuer that signs for it: --set %s.tls.certManager.issuerRef.name=NAME." $component $component) }}
{{- end }}
{{- end }}
{{- end }}
{{- with .Values.access.oidc }}
{{- if and .issuer (not (or .viewers .operators)) }}
{{- fail "access.oidc.issuer is set, and nobody could come in: access.oidc.viewers and access.oidc.operators are the values of the claim whose bearers may." }}
{{- end }}
{{- end }}
{{- with .Values.scaler.tls }}
{{- if and .clients.kedaNamespace (not (and .enabled .clients.enabled)) }}
{{- fail "scaler.tls.clients.kedaNamespace is set, and scaler.tls.enabled or scaler.tls.clients.enabled is false: remove one of both." }}
{{- end }}
{{- if and .clients.existingSecret (not .clients.kedaNamespace) }}
{{- fail "scaler.tls.clients.existingSecret needs the namespace that it is in: --set scaler.tls.clients.kedaNamespace=NAMESPACE." }}
{{- end }}
{{- if and .clients.kedaNamespace (ne (empty .existingSecret) (empty .clients.existingSecret)) (not .certManager.enabled) }}
{{- fail "scaler.tls.existingSecret and scaler.tls.clients.existingSecret are of one authority: set both, or neither." }}
{{- end }}
{{- end }}
{{- end }}

{{- define "millrace.strimziChecks" -}}
{{- with .Values.strimzi }}
{{- if and (or .users .topics) (not (include "millrace.strimziVersion" $)) }}
{{- fail "strimzi.users and strimzi.topics need Strimzi, and this cluster has none (no kafka.strimzi.io/v1 or v1beta2). Where the cluster cannot be asked, as by `helm template`: --api-versions kafka.strimzi.io/v1." }}
{{- end }}
{{- range $field, $items := dict "users" .users "topics" .topics }}
{{- $seen := dict }}
{{- range $items }}
{{- $place := printf "%s/%s" .namespace .name }}
{{- if hasKey $seen $place }}
{{- fail (printf "strimzi.%s has %s twice: make one of them." $field $place) }}
{{- end }}
{{- $_ := set $seen $place true }}
{{- end }}
{{- end }}
{{- range .users }}
{{- if and $.Values.strimzi.enabled $.Values.watchNamespaces (not (has .namespace $.Values.watchNamespaces)) }}
{{- fail (printf "strimzi.users: %s is in %s, where no KafkaCluster is seen that could name it: add it to watchNamespaces." .name .namespace) }}
{{- end }}
{{- $user := .name }}
{{- range .triggers }}
{{- if eq (empty .topics) (empty .topicPrefix) }}
{{- fail (printf "strimzi.users: a trigger of %s has to have either topics or topicPrefix." $user) }}
{{- end }}
{{- if and .transactional (not .replyTopic) }}
{{- fail (printf "strimzi.users: a trigger of %s is transactional, which its replies can be: name its replyTopic." $user) }}
{{- end }}
{{- if and .deadLetterTopic (has .deadLetterTopic (.topics | default list)) }}
{{- fail (printf "strimzi.users: a trigger of %s reads its own deadLetterTopic, %s: name another." $user .deadLetterTopic) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
