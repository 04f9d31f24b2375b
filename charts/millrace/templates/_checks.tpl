{{/* Checks that the schema cannot make. Each failure says what to do. */}}
{{- define "millrace.checks" -}}
{{- if not .Values.image.repository }}
{{- fail "Millrace needs an image that the cluster can pull. In a checkout, `npm run image` builds one, loads it into kind, k3d or minikube, and prints the command to go on with. Otherwise build the Containerfile, push the image to your registry, and set image.repository=REGISTRY/millrace." }}
{{- end }}
{{- range $component := list "gateway" "scaler" }}
{{- $budget := (index $.Values $component).podDisruptionBudget }}
{{- if and $budget.enabled (regexMatch "^0+%?$" (toString $budget.maxUnavailable)) }}
{{- fail (printf "%s.podDisruptionBudget.maxUnavailable is %v, so no node with such a pod could ever be drained. Set at least 1." $component $budget.maxUnavailable) }}
{{- end }}
{{- end }}
{{- with .Values.gateway.autoscaling }}
{{- if and .enabled (gt (int .minReplicas) (int .maxReplicas)) }}
{{- fail (printf "gateway.autoscaling.minReplicas (%v) is above maxReplicas (%v)." .minReplicas .maxReplicas) }}
{{- end }}
{{- end }}
{{- if not (or .Values.kafka.bootstrapServers .Values.kafka.existingSecret.name .Values.kafka.config.existingSecret) }}
{{- fail "Millrace needs the address of your Kafka. Set one of these: kafka.bootstrapServers=HOST:PORT; kafka.existingSecret.name, a Secret that holds the brokers; kafka.config.existingSecret, a Secret with client properties that name them." }}
{{- end }}
{{- if and .Values.kafka.bootstrapServers .Values.kafka.existingSecret.name }}
{{- fail "kafka.bootstrapServers and kafka.existingSecret.name are both set. Remove one: only one of them may name the brokers." }}
{{- end }}
{{- if and .Values.keda.check (not (.Capabilities.APIVersions.Has "keda.sh/v1alpha1/ScaledObject")) }}
{{- fail "Millrace scales functions through KEDA, and this cluster has no KEDA (no keda.sh/v1alpha1 ScaledObject). Install it first: https://keda.sh/docs/latest/deploy/. If Helm does not see the cluster, as in `helm template`, add --api-versions keda.sh/v1alpha1/ScaledObject, or --set keda.check=false." }}
{{- end }}
{{- include "millrace.strimziChecks" . }}
{{- range $component := list "gateway" "scaler" }}
{{- with (index $.Values $component).tls }}
{{- if and (not .enabled) (or .existingSecret .certManager.enabled) }}
{{- fail (printf "%s.tls.enabled is false, but a certificate is set (existingSecret or certManager). Turn TLS on, or remove the certificate." $component) }}
{{- end }}
{{- if and .existingSecret .certManager.enabled }}
{{- fail (printf "%s.tls.existingSecret and %s.tls.certManager.enabled are both set. Remove one: only one of them may provide the certificate." $component $component) }}
{{- end }}
{{- if and .certManager.enabled (not .certManager.issuerRef.name) }}
{{- fail (printf "%s.tls.certManager.enabled needs an issuer that signs the certificate: --set %s.tls.certManager.issuerRef.name=NAME." $component $component) }}
{{- end }}
{{- end }}
{{- end }}
{{- with .Values.access.oidc }}
{{- if and .issuer (not (or .viewers .operators)) }}
{{- fail "access.oidc.issuer is set, but no role has access. Set access.oidc.viewers or access.oidc.operators to values of the claim in access.oidc.rolesClaim." }}
{{- end }}
{{- end }}
{{- with .Values.scaler.tls }}
{{- if and .clients.kedaNamespace (not (and .enabled .clients.enabled)) }}
{{- fail "scaler.tls.clients.kedaNamespace is set, but scaler.tls.enabled or scaler.tls.clients.enabled is false. Turn both on, or remove kedaNamespace." }}
{{- end }}
{{- if and .clients.existingSecret (not .clients.kedaNamespace) }}
{{- fail "scaler.tls.clients.existingSecret needs the namespace of that Secret: --set scaler.tls.clients.kedaNamespace=NAMESPACE." }}
{{- end }}
{{- if and .clients.kedaNamespace (ne (empty .existingSecret) (empty .clients.existingSecret)) (not .certManager.enabled) }}
{{- fail "scaler.tls.existingSecret and scaler.tls.clients.existingSecret must be signed by the same CA. Set both, or neither." }}
{{- end }}
{{- end }}
{{- end }}

{{- define "millrace.strimziChecks" -}}
{{- with .Values.strimzi }}
{{- if and (or .users .topics) (not (include "millrace.strimziVersion" $)) }}
{{- fail "strimzi.users and strimzi.topics need Strimzi, and this cluster has no Strimzi (no kafka.strimzi.io/v1 or v1beta2). Install it first. If Helm does not see the cluster, as in `helm template`, add --api-versions kafka.strimzi.io/v1." }}
{{- end }}
{{- range $field, $items := dict "users" .users "topics" .topics }}
{{- $seen := dict }}
{{- range $items }}
{{- $place := printf "%s/%s" .namespace .name }}
{{- if hasKey $seen $place }}
{{- fail (printf "strimzi.%s lists %s twice. Remove one of them." $field $place) }}
{{- end }}
{{- $_ := set $seen $place true }}
{{- end }}
{{- end }}
{{- range .users }}
{{- if and $.Values.strimzi.enabled $.Values.watchNamespaces (not (has .namespace $.Values.watchNamespaces)) }}
{{- fail (printf "strimzi.users: %s is in the namespace %s, which Millrace does not watch, so no KafkaCluster can use it. Add the namespace to watchNamespaces." .name .namespace) }}
{{- end }}
{{- $user := .name }}
{{- range .triggers }}
{{- if eq (empty .topics) (empty .topicPrefix) }}
{{- fail (printf "strimzi.users: a trigger of %s needs either topics or topicPrefix, and not both." $user) }}
{{- end }}
{{- if and .transactional (not .replyTopic) }}
{{- fail (printf "strimzi.users: a trigger of %s is transactional, but only replies are transactional. Set its replyTopic." $user) }}
{{- end }}
{{- if and .deadLetterTopic (has .deadLetterTopic (.topics | default list)) }}
{{- fail (printf "strimzi.users: a trigger of %s reads its own deadLetterTopic, %s. Choose another one." $user .deadLetterTopic) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
