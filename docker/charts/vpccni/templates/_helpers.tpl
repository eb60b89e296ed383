{{- define "vpccni.name" -}}
{{ default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "vpccni.fullname" -}}
{{ default (include "vpccni.name" .) .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "vpccni.serviceAccountName" -}}
{{ default (ternary (include "vpccni.fullname" .) "default" .Values.serviceAccount.create) .Values.serviceAccount.name }}
{{- end }}

{{- define "vpccni.podLabels" -}}
app.kubernetes.io/name: {{ include "vpccni.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
k8s-app: aws-node
{{- end }}

{{- /* Of the objects; those of Helm only when Helm installs them. */}}
{{- define "vpccni.labels" -}}
{{ include "vpccni.podLabels" . }}
{{- if eq .Release.Service "Helm" }}
app.kubernetes.io/managed-by: Helm
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version | replace "+" "_" }}
{{- end }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
{{- end }}

{{- define "vpccni.selector" -}}
{{- if .Values.originalMatchLabels -}}
k8s-app: aws-node
{{- else -}}
app.kubernetes.io/name: {{ include "vpccni.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- with .Values.podLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}
{{- end }}

{{- define "vpccni.image" -}}
{{- with .Values.image -}}
{{ default (printf "%s:%s" .overrideRepository (default $.Chart.AppVersion .tag)) .override }}
{{- end }}
{{- end }}

{{- /* A map of settings as a pod's env. */}}
{{- define "vpccni.env" -}}
{{- $list := list }}
{{- range $name, $value := . }}
{{- $list = append $list (dict "name" $name "value" (toString $value)) }}
{{- end }}
{{- toYaml $list }}
{{- end }}
