{{/* Whether the ports of a component speak TLS, and the names that its certificate is for. Takes (dict "root" $ "component" …). */}}
{{- define "millrace.tls" -}}
{{- if (index .root.Values .component).tls.enabled }}true{{ end -}}
{{- end }}

{{- define "millrace.host" -}}
{{ include "millrace.fullname" .root }}-{{ .component }}.{{ .root.Release.Namespace }}.svc
{{- end }}

{{/* The Secret with the component's certificate. The Secrets of cert-manager and of the chart's Job have different names, because neither takes
over the other's. */}}
{{- define "millrace.tlsSecret" -}}
{{- $tls := (index .root.Values .component).tls -}}
{{- $made := ternary "certificate" "tls" $tls.certManager.enabled -}}
{{- $tls.existingSecret | default (printf "%s-%s-%s" (include "millrace.fullname" .root) .component $made) -}}
{{- end }}

{{/* The names in the certificate of a component. Gateways reach scalers through the headless Service, and operators a gateway through localhost. */}}
{{- define "millrace.certificateNames" -}}
{{- $host := include "millrace.host" . -}}
{{- $name := printf "%s-%s" (include "millrace.fullname" .root) .component -}}
{{- $other := ternary "localhost" (printf "%s-pods.%s.svc" $name .root.Release.Namespace) (eq .component "gateway") -}}
{{ toJson (list $name (printf "%s.%s" $name .root.Release.Namespace) $host (printf "%s.cluster.local" $host) $other) }}
{{- end }}

{{/* Whether a component has a certificate that the Job of the chart makes, in the cluster: so it is the same however often the chart is rendered. */}}
{{- define "millrace.makesCertificate" -}}
{{- $tls := (index .root.Values .component).tls -}}
{{- if and $tls.enabled (not $tls.certManager.enabled) (not $tls.existingSecret) }}true{{ end -}}
{{- end }}

{{/* What the Job makes, in JSON: by component the Secrets with its certificates, all of one CA, and the ConfigMap with that CA. */}}
{{- define "millrace.certificatesToMake" -}}
{{- $all := list -}}
{{- range $component := list "gateway" "scaler" -}}
{{- $scope := dict "root" $ "component" $component -}}
{{- if include "millrace.makesCertificate" $scope -}}
{{- $name := printf "%s-%s" (include "millrace.fullname" $) $component -}}
{{- $keda := ternary (include "millrace.kedaClientNamespace" $) "" (eq $component "scaler") -}}
{{- $usages := ternary (list "server" "client") (list "server") (ne $keda "") -}}
{{- $names := include "millrace.certificateNames" $scope | fromJsonArray -}}
{{- $own := dict "namespace" $.Release.Namespace "name" (include "millrace.tlsSecret" $scope) "dnsNames" $names "usages" $usages -}}
{{- $secrets := list $own -}}
{{- if $keda -}}
{{- $client := dict "namespace" $keda "name" (include "millrace.kedaClient" $) "dnsNames" (list "keda") "usages" (list "client") -}}
{{- $secrets = append $secrets $client -}}
{{- end -}}
{{- /* Without the labels of the release, by which Argo CD would take them for resources that nobody declares any more. */ -}}
{{- $labels := dict "app.kubernetes.io/name" "millrace" "app.kubernetes.io/part-of" "millrace" "app.kubernetes.io/component" $component -}}
{{- $labels = merge $labels (include "millrace.commonLabels" $ | fromYaml) -}}
{{- $ca := dict "namespace" $.Release.Namespace "name" (printf "%s-root-ca" $name) -}}
{{- $all = append $all (dict "labels" $labels "ca" $ca "secrets" $secrets) -}}
{{- end -}}
{{- end -}}
{{- toJson $all -}}
{{- end }}

{{/* The resource by which cert-manager issues the certificate of a component. Takes (dict "root" $ "component" …). */}}
{{- define "millrace.certificate" -}}
{{- $tls := (index .root.Values .component).tls }}
{{- if and $tls.enabled $tls.certManager.enabled }}
{{- $isClient := and (eq .component "scaler") (include "millrace.kedaClientNamespace" .root) }}
apiVersion: cert-manager.io/v1
kind: Certificate
metadata:
  name: {{ include "millrace.fullname" .root }}-{{ .component }}
  {{- include "millrace.metadata" . | nindent 2 }}
spec:
  secretName: {{ include "millrace.tlsSecret" . }}
  dnsNames:
    {{- include "millrace.certificateNames" . | fromJsonArray | toYaml | nindent 4 }}
  usages: [digital signature, key encipherment, server auth{{ if $isClient }}, client auth{{ end }}]
  duration: {{ $tls.certManager.duration }}
  renewBefore: {{ $tls.certManager.renewBefore }}
  privateKey: { algorithm: ECDSA, size: 256, rotationPolicy: Always }
  issuerRef:
    {{- toYaml $tls.certManager.issuerRef | nindent 4 }}
{{- end }}
{{- end }}
