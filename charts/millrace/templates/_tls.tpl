{{/* Whether the ports of a component speak TLS, and the names that its certificate is for. Takes (dict "root" $ "component" …). */}}
{{- define "millrace.tls" -}}
{{- if (index .root.Values .component).tls.enabled }}true{{ end -}}
{{- end }}

{{- define "millrace.host" -}}
{{ include "millrace.fullname" .root }}-{{ .component }}.{{ .root.Release.Namespace }}.svc
{{- end }}

{{/* The Secret that the component's certificate is in: cert-manager's is another than ours, for neither takes over the other's. */}}
{{- define "millrace.tlsSecret" -}}
{{- $tls := (index .root.Values .component).tls -}}
{{- $made := ternary "certificate" "tls" $tls.certManager.enabled -}}
{{- $tls.existingSecret | default (printf "%s-%s-%s" (include "millrace.fullname" .root) .component $made) -}}
{{- end }}

{{/* The certificate itself: made here once and kept, or by cert-manager, or given. Takes (dict "root" $ "component" … "names" …). */}}
{{- define "millrace.certificate" -}}
{{- $name := printf "%s-%s" (include "millrace.fullname" .root) .component }}
{{- $host := include "millrace.host" . }}
{{- $names := concat (list $name (printf "%s.%s" $name .root.Release.Namespace) $host (printf "%s.cluster.local" $host)) .names }}
{{- $tls := (index .root.Values .component).tls }}
{{- if and $tls.enabled $tls.certManager.enabled }}
apiVersion: cert-manager.io/v1
kind: Certificate
metadata:
  name: {{ $name }}
  {{- include "millrace.metadata" . | nindent 2 }}
spec:
  secretName: {{ include "millrace.tlsSecret" . }}
  dnsNames:
    {{- toYaml $names | nindent 4 }}
  usages: [digital signature, key encipherment, server auth]
  duration: {{ $tls.certManager.duration }}
  renewBefore: {{ $tls.certManager.renewBefore }}
  privateKey: { algorithm: ECDSA, size: 256, rotationPolicy: Always }
  issuerRef:
    {{- toYaml $tls.certManager.issuerRef | nindent 4 }}
{{- else if and $tls.enabled (not $tls.existingSecret) }}
{{- $kept := (lookup "v1" "Secret" .root.Release.Namespace (include "millrace.tlsSecret" .)).data }}
{{- if not $kept }}
{{- $ca := genCA (printf "%s-ca" $name) 3650 }}
{{- $certificate := genSignedCert $host nil $names 3650 $ca }}
{{- $kept = dict "ca.crt" (b64enc $ca.Cert) "tls.crt" (b64enc $certificate.Cert) "tls.key" (b64enc $certificate.Key) }}
{{- end }}
apiVersion: v1
kind: Secret
metadata:
  name: {{ include "millrace.tlsSecret" . }}
  {{- include "millrace.metadata" . | nindent 2 }}
type: kubernetes.io/tls
data:
  {{- toYaml $kept | nindent 2 }}
---
# For whoever is to trust it: hand-written ScaledObjects (caCert of a TriggerAuthentication), `millrace skip --ca`.
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ $name }}-ca
  {{- include "millrace.metadata" . | nindent 2 }}
data:
  ca.crt: |
    {{- index $kept "ca.crt" | b64dec | trim | nindent 4 }}
{{- end }}
{{- end }}
