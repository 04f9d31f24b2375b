{{/* Whether the ports of a component speak TLS, and the names that its certificate is for. Takes (dict "root" $ "component" …). */}}
{{- define "millrace.tls" -}}
{{- if (index .root.Values .component).tls.enabled }}true{{ end -}}
{{- end }}

{{- define "millrace.host" -}}
{{ include "millrace.fullname" .root }}-{{ .component }}.{{ .root.Release.Namespace }}.svc
{{- end }}

{{/* The Secret with the component's certificate. The Secrets of cert-manager and of the chart have different names, because neither takes over
the other's. */}}
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

{{/* The certificate that the chart makes, in Base64 by key. Upgrades keep it, and all files of one rendering share it. */}}
{{- define "millrace.madeCertificate" -}}
{{- $key := printf "%sCertificate" .component -}}
{{- if not (hasKey .root.Values $key) -}}
{{- $name := printf "%s-%s" (include "millrace.fullname" .root) .component -}}
{{- $tls := (lookup "v1" "Secret" .root.Release.Namespace (include "millrace.tlsSecret" .)).data -}}
{{- if not $tls -}}
{{- $ca := genCA (printf "%s-ca" $name) 3650 -}}
{{- $names := include "millrace.certificateNames" . | fromJsonArray -}}
{{- $certificate := genSignedCert (include "millrace.host" .) nil $names 3650 $ca -}}
{{- $tls = dict "ca.crt" (b64enc $ca.Cert) "tls.crt" (b64enc $certificate.Cert) "tls.key" (b64enc $certificate.Key) -}}
{{- end -}}
{{- $_ := set .root.Values $key $tls -}}
{{- end -}}
{{ toYaml (index .root.Values $key) }}
{{- end }}

{{/* The resource with the certificate: made once by the chart and kept, or issued by cert-manager. Nothing for an existing Secret. Takes
(dict "root" $ "component" …). */}}
{{- define "millrace.certificate" -}}
{{- $name := printf "%s-%s" (include "millrace.fullname" .root) .component }}
{{- $tls := (index .root.Values .component).tls }}
{{- if and $tls.enabled $tls.certManager.enabled }}
{{- $isClient := and (eq .component "scaler") (include "millrace.kedaClientNamespace" .root) }}
apiVersion: cert-manager.io/v1
kind: Certificate
metadata:
  name: {{ $name }}
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
{{- else if and $tls.enabled (not $tls.existingSecret) }}
{{- $made := include "millrace.madeCertificate" . | fromYaml }}
apiVersion: v1
kind: Secret
metadata:
  name: {{ include "millrace.tlsSecret" . }}
  {{- include "millrace.metadata" . | nindent 2 }}
type: kubernetes.io/tls
data:
  {{- toYaml $made | nindent 2 }}
---
# The CA, for clients such as hand-written ScaledObjects and `millrace skip --ca`.
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ $name }}-ca
  {{- include "millrace.metadata" . | nindent 2 }}
data:
  ca.crt: |
    {{- index $made "ca.crt" | b64dec | trim | nindent 4 }}
{{- end }}
{{- end }}
