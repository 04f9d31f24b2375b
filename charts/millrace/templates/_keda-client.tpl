{{/* How KEDA shows the scaler who it is. */}}

{{/* Where KEDA finds what it shows: the namespace of its cluster-wide objects; nothing where it shows nothing. Empty and found out: in
the namespace of its operator, unless that is told another one. Nothing is found without the cluster, nor looked for by whom Roles have to do. */}}
{{- define "millrace.kedaClientNamespace" -}}
{{- $tls := .Values.scaler.tls -}}
{{- if not (hasKey .Values "kedaClientNamespace") -}}
{{- $namespace := ternary $tls.clients.kedaNamespace "" (and $tls.enabled $tls.clients.enabled) -}}
{{- $ours := not (or $tls.existingSecret $tls.certManager.enabled .Values.watchNamespaces (not .Values.rbac.create)) -}}
{{- if and $tls.enabled $tls.clients.enabled $ours (not $namespace) -}}
{{- range .Values.keda.namespaces -}}
{{- $operator := lookup "apps/v1" "Deployment" . "keda-operator" -}}
{{- if and $operator (not $namespace) -}}
{{- $namespace = . -}}
{{- range (first $operator.spec.template.spec.containers).env -}}
{{- if and (eq .name "KEDA_CLUSTER_OBJECT_NAMESPACE") .value -}}{{- $namespace = .value -}}{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $_ := set .Values "kedaClientNamespace" $namespace -}}
{{- end -}}
{{ .Values.kedaClientNamespace }}
{{- end }}

{{/* Of the ClusterTriggerAuthentication, and of the Secret in KEDA's namespace: as the scaler is called, for names there are everybody's. */}}
{{- define "millrace.kedaClient" -}}{{ include "millrace.scaler" . }}.{{ .Release.Namespace }}{{- end }}

{{/* The file with the authority of the scaler's callers, where they have one: of ours another than the scaler's, whose key is forgotten. */}}
{{- define "millrace.clientCa" -}}
{{- if include "millrace.kedaClientNamespace" . -}}
{{- $tls := .Values.scaler.tls -}}
/etc/millrace/{{ ternary "tls" "clients" (or $tls.certManager.enabled (ne $tls.existingSecret "")) }}/ca.crt
{{- end -}}
{{- end }}
