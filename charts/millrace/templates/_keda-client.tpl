{{/* How KEDA authenticates to the scaler. */}}

{{/* The namespace in which KEDA reads its client certificate: that of its cluster-wide objects. Empty if KEDA shows no certificate. If the value
is empty, the chart looks for KEDA's operator and takes its namespace, or the one in KEDA_CLUSTER_OBJECT_NAMESPACE. The chart does not look with
watchNamespaces or rbac.create=false, whose installer may lack the rights, and finds nothing without a cluster. */}}
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

{{/* The name of the ClusterTriggerAuthentication, and of the Secret in KEDA's namespace. It includes the namespace of the release, so
that the names of two installations differ. */}}
{{- define "millrace.kedaClient" -}}{{ include "millrace.scaler" . }}.{{ .Release.Namespace }}{{- end }}

{{/* The file with the CA of the scaler's callers; empty without one. It is the CA of the scaler too, which probes itself before it directs KEDA
there. */}}
{{- define "millrace.clientCa" -}}
{{- if include "millrace.kedaClientNamespace" . -}}
/etc/millrace/tls/ca.crt
{{- end -}}
{{- end }}
