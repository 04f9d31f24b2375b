{{/* Reads the Strimzi resources that hold the brokers and credentials of a KafkaCluster. */}}
{{- define "millrace.strimziRules" -}}
{{- if .Values.strimzi.enabled }}
- apiGroups: [kafka.strimzi.io]
  resources: [kafkas, kafkausers]
  verbs: [get, list, watch]
{{- end }}
{{- end }}

{{- define "millrace.gatewayRules" -}}
- apiGroups: [millrace.dev]
  resources: [triggers, kafkaclusters]
  verbs: [get, list, watch]
{{- include "millrace.strimziRules" . }}
- apiGroups: [discovery.k8s.io]
  resources: [endpointslices]
  verbs: [get, list, watch]
{{- end }}

{{/* In the namespace of the release: finds the other gateways, and notifies scalers of waiting records. */}}
{{- define "millrace.gatewayOwnRules" -}}
- apiGroups: [millrace.dev]
  resources: [activations]
  verbs: [create]
- apiGroups: [discovery.k8s.io]
  resources: [endpointslices]
  verbs: [get, list, watch]
{{- end }}

{{- define "millrace.scalerRules" -}}
- apiGroups: [millrace.dev]
  resources: [triggers]
  verbs: [get, list, watch, create, patch, update, delete]
- apiGroups: [millrace.dev]
  resources: [triggers/status]
  verbs: [get, patch, update]
- apiGroups: [millrace.dev]
  resources: [triggers/finalizers]
  verbs: [update]
- apiGroups: [millrace.dev]
  resources: [kafkaclusters]
  verbs: [get, list, watch]
{{- include "millrace.strimziRules" . }}
- apiGroups: [apps]
  resources: [deployments]
  verbs: [get, list, watch]
# Reads how many replicas the function of a trigger has, and which pods, whatever its kind.
- apiGroups: ['*']
  resources: ['*/scale']
  verbs: [get]
# Notices that a namespace is being deleted, so that its triggers are not waited for.
- apiGroups: ['']
  resources: [namespaces]
  verbs: [get]
# Counts the ready replicas of triggers with a targetDrainTime.
- apiGroups: [discovery.k8s.io]
  resources: [endpointslices]
  verbs: [get, list, watch]
# Lets a Deployment own the Trigger of its annotations. Clusters such as OpenShift require this right for an owner reference.
- apiGroups: [apps]
  resources: [deployments/finalizers]
  verbs: [update]
# Finds the pods of functions that are not Deployments: whatever has a scale subresource.
- apiGroups: ['*']
  resources: ['*/scale']
  verbs: [get]
# The names of Services and ScaledObjects are those of triggers, so RBAC cannot list them: templates/scaler/admission-policy.yaml refuses the others.
- apiGroups: ['']
  resources: [services]
  verbs: [get, list, watch, create, patch, update, delete]
- apiGroups: [keda.sh]
  resources: [scaledobjects]
  verbs: [get, list, watch, create, patch, update, delete]
{{- if and .Values.scaler.tls.enabled (not (include "millrace.kedaClientNamespace" .)) }}
# Writes the CA of the scaler into the namespaces of triggers, where KEDA reads it. An apply names what it creates.
- apiGroups: ['']
  resources: [configmaps]
  resourceNames: [{{ include "millrace.scaler" . }}-ca]
  verbs: [get, create, patch, update, delete]
- apiGroups: [keda.sh]
  resources: [triggerauthentications]
  resourceNames: [{{ include "millrace.scaler" . }}-ca]
  verbs: [get, create, patch, update, delete]
{{- end }}
- apiGroups: ['', events.k8s.io]
  resources: [events]
  verbs: [create, patch]
{{- end }}

{{/* To let go at once of what is in a namespace that is being deleted. In a Role, only its own namespace. Takes (dict "namespace" …). */}}
{{- define "millrace.namespaceRules" -}}
- apiGroups: ['']
  resources: [namespaces]
  {{- with .namespace }}
  resourceNames: [{{ quote . }}]
  {{- end }}
  verbs: [get]
{{- end }}

{{/* In the namespace of the release: elects the leader, by a Lease with the name of the scaler's Service. */}}
{{- define "millrace.scalerOwnRules" -}}
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  verbs: [create]
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  resourceNames: [{{ include "millrace.scaler" . }}]
  verbs: [get, update]
- apiGroups: ['', events.k8s.io]
  resources: [events]
  verbs: [create, patch]
{{- end }}

{{/* Grants Secrets by name only, so that nobody can list them. Takes (dict "secrets" … "serviceAccounts" …). */}}
{{- define "millrace.secretRules" -}}
{{- with .secrets }}
- apiGroups: ['']
  resources: [secrets]
  resourceNames: {{ toJson . }}
  verbs: [get]
{{- end }}
{{- with .serviceAccounts }}
- apiGroups: ['']
  resources: [serviceaccounts/token]
  resourceNames: {{ toJson . }}
  verbs: [create]
{{- end }}
{{- end }}

{{/* `secretAccess` by namespace, in JSON: items of one namespace are granted together. */}}
{{- define "millrace.secretAccess" -}}
{{- $all := dict -}}
{{- range .Values.secretAccess -}}
{{- $given := index $all .namespace | default dict -}}
{{- $secrets := concat ($given.secrets | default list) (.secrets | default list) | uniq -}}
{{- $accounts := concat ($given.serviceAccounts | default list) (.serviceAccounts | default list) | uniq -}}
{{- $_ := set $all .namespace (dict "secrets" $secrets "serviceAccounts" $accounts) -}}
{{- end -}}
{{- toJson $all -}}
{{- end }}

{{/*
Grants the component's ServiceAccount `rules` where triggers are served, and `ownRules` in the namespace of the release. With watchNamespaces it
makes a Role in each of them, otherwise a ClusterRole. Takes (dict "root" $ "component" … "rules" … "ownRules" …); the last two are names of
templates.
*/}}
{{- define "millrace.grants" -}}
{{- $root := .root -}}
{{- $name := printf "%s-%s" (include "millrace.fullname" $root) .component -}}
{{- $own := $root.Release.Namespace -}}
{{- $subject := dict "kind" "ServiceAccount" "name" (include "millrace.serviceAccount" .) "namespace" $own -}}
{{- $metadata := include "millrace.metadata" . -}}
{{- $grants := list (dict "kind" "Role" "name" (printf "%s-own" $name) "namespace" $own "rules" (include .ownRules $root)) -}}
{{- range $root.Values.watchNamespaces }}
{{- $role := printf "%s-%s" $own $name -}}
{{- $rules := include $.rules $root -}}
{{- if eq $.component "scaler" }}{{ $rules = printf "%s\n%s" $rules (include "millrace.namespaceRules" (dict "namespace" .)) }}{{ end -}}
{{- $grants = append $grants (dict "kind" "Role" "name" $role "namespace" . "rules" $rules) -}}
{{- else }}
{{- $role := printf "%s-%s" (include "millrace.clusterName" $root) .component -}}
{{- $rules := include .rules $root -}}
{{- if eq .component "scaler" }}{{ $rules = printf "%s\n%s" $rules (include "millrace.namespaceRules" dict) }}{{ end -}}
{{- $grants = append $grants (dict "kind" "ClusterRole" "name" $role "rules" $rules) -}}
{{- end }}
{{- range $namespace, $named := include "millrace.secretAccess" $root | fromJson }}
{{- $role := printf "%s-%s-secrets" $own $name -}}
{{- $rules := include "millrace.secretRules" $named -}}
{{- if trim $rules }}{{ $grants = append $grants (dict "kind" "Role" "name" $role "namespace" $namespace "rules" $rules) }}{{ end -}}
{{- end }}
{{- range $namespace, $secrets := include "millrace.strimziSecrets" $root | fromJson }}
{{- $rules := include "millrace.secretRules" (dict "secrets" $secrets) -}}
{{- $grants = append $grants (dict "kind" "Role" "name" (printf "%s-%s-strimzi" $own $name) "namespace" $namespace "rules" $rules) -}}
{{- end }}
{{- range $grants }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ .kind }}
metadata:
  name: {{ .name }}
  {{- with .namespace }}
  namespace: {{ quote . }}
  {{- end }}
  {{- $metadata | nindent 2 }}
rules:
  {{- .rules | trim | nindent 2 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ .kind }}Binding
metadata:
  name: {{ .name }}
  {{- with .namespace }}
  namespace: {{ quote . }}
  {{- end }}
  {{- $metadata | nindent 2 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: {{ .kind }}
  name: {{ .name }}
subjects:
  - {{- toYaml $subject | nindent 4 }}
{{- end }}
{{- end }}

{{/* Lets a component authenticate and authorize its callers. A ClusterRole, because TokenReviews and SubjectAccessReviews have no namespace. */}}
{{- define "millrace.delegation" -}}
{{- if .root.Values.access.tokenReviews }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: {{ include "millrace.clusterName" .root }}-{{ .component }}-reviews
  {{- include "millrace.metadata" . | nindent 2 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: system:auth-delegator
subjects:
  - kind: ServiceAccount
    name: {{ include "millrace.serviceAccount" . | quote }}
    namespace: {{ .root.Release.Namespace | quote }}
{{- end }}
{{- end }}
