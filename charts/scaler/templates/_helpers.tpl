{{- define "scaler.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- /* The first part of every object's name; 40 characters leave room for the rest. */ -}}
{{- define "scaler.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains (include "scaler.name" .) .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "scaler.name" .) | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- /* The name of objects without a namespace, which must differ from another release's. */ -}}
{{- define "scaler.clusterName" -}}
{{- printf "%s:%s" .Release.Namespace (include "scaler.fullname" .) -}}
{{- end -}}

{{- /* The same where only a DNS name is allowed. */ -}}
{{- define "scaler.clusterDnsName" -}}
{{- printf "%s.%s" (include "scaler.fullname" .) .Release.Namespace -}}
{{- end -}}

{{- define "scaler.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: scaler
{{ include "scaler.selector" . }}
{{- end -}}

{{- define "scaler.selector" -}}
app.kubernetes.io/name: {{ include "scaler.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- /* (dict "root" $ "app" "dlx") */ -}}
{{- define "scaler.app.selector" -}}
{{ include "scaler.selector" .root }}
app.kubernetes.io/component: {{ .app }}
{{- end -}}

{{- /* Pods of the release as peers of a NetworkPolicy. (dict "root" $ "apps" "autoscaler, dlx") */ -}}
{{- define "scaler.peers" -}}
- podSelector:
    matchLabels:
      {{- include "scaler.selector" .root | nindent 6 }}
    matchExpressions:
      - { key: app.kubernetes.io/component, operator: In, values: [{{ .apps }}] }
{{- end -}}

{{- define "scaler.app.labels" -}}
{{ include "scaler.labels" .root }}
app.kubernetes.io/component: {{ .app }}
{{- end -}}

{{- define "scaler.app.name" -}}
{{ include "scaler.fullname" .root }}-{{ .app }}
{{- end -}}

{{- define "scaler.app.account" -}}
{{- $values := index .root.Values .app -}}
{{- $values.serviceAccount.name | default (include "scaler.app.name" .) -}}
{{- end -}}

{{- define "scaler.image" -}}
{{- $image := index .root.Values.images .app -}}
{{- $repository := printf "%s%s" (.root.Values.images.registry | empty | ternary "" (printf "%s/" .root.Values.images.registry)) $image.repository -}}
{{- if $image.digest -}}
{{ $repository }}@{{ $image.digest }}
{{- else -}}
{{ $repository }}:{{ $image.tag | default .root.Chart.AppVersion }}
{{- end -}}
{{- end -}}

{{- /* A duration such as 1m30s in whole seconds, rounded up. */ -}}
{{- define "scaler.seconds" -}}
{{- $text := toString . -}}
{{- $ms := regexFind "[0-9.]+ms" $text | trimSuffix "ms" | default "0" | float64 -}}
{{- $rest := regexReplaceAll "[0-9.]+ms" $text "" -}}
{{- $h := regexFind "[0-9.]+h" $rest | trimSuffix "h" | default "0" | float64 -}}
{{- $m := regexFind "[0-9.]+m" $rest | trimSuffix "m" | default "0" | float64 -}}
{{- $s := regexFind "[0-9.]+s" $rest | trimSuffix "s" | default "0" | float64 -}}
{{- addf (mulf $h 3600) (mulf $m 60) $s (divf $ms 1000) | ceil | int -}}
{{- end -}}

{{- /* One value of an app's settings, as text: lists by commas, whole numbers without an exponent. */ -}}
{{- define "scaler.text" -}}
{{- if kindIs "slice" . -}}
{{- join "," . -}}
{{- else if and (kindIs "float64" .) (eq (floor .) .) -}}
{{- printf "%.0f" . -}}
{{- else -}}
{{- toString . -}}
{{- end -}}
{{- end -}}

{{- /* `scaleInterval: 10s` becomes SCALER_SCALE_INTERVAL, the app's own name for it. */ -}}
{{- define "scaler.env" -}}
{{- $values := index .root.Values .app -}}
{{- range $name, $value := $values.settings }}
- name: SCALER_{{ snakecase $name | upper }}
  value: {{ include "scaler.text" $value | quote }}
{{- end }}
{{- range $name, $value := .root.Values.scaler.options }}
- name: SCALER_OPTION_{{ snakecase $name | upper }}
  value: {{ include "scaler.text" $value | quote }}
{{- end }}
{{- with $values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- /* The environment that the chart sets for both apps; the rest are settings. */ -}}
{{- define "scaler.args" -}}
- --identity=$(POD_NAME)
- --scaler={{ .Values.scaler.package }}
- --dlx-service={{ .Release.Namespace }}/{{ include "scaler.app.name" (dict "root" . "app" "dlx") }}
- --control-token-file=/etc/scaler-control/token
{{- if eq .Values.scope.type "namespaces" }}
- --namespaces={{ join "," .Values.scope.namespaces }}
{{- end }}
{{- end -}}

{{- define "scaler.container.security" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
runAsNonRoot: true
capabilities:
  drop: [ALL]
{{- end -}}

{{- define "scaler.pod.security" -}}
{{- with .Values.podSecurity.runAsUser }}
runAsUser: {{ . }}
runAsGroup: {{ . }}
fsGroup: {{ . }}
{{- end }}
runAsNonRoot: true
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "scaler.priorityClass" -}}
{{- if .Values.priorityClass.name -}}
{{ .Values.priorityClass.name }}
{{- else if .Values.priorityClass.create -}}
{{ include "scaler.clusterDnsName" . }}
{{- end -}}
{{- end -}}

{{- /* The shared part of both apps' pods; (dict "root" $ "app" "dlx"). */ -}}
{{- define "scaler.pod.placement" -}}
{{- $values := index .root.Values .app -}}
{{- with .root.Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with include "scaler.priorityClass" .root }}
priorityClassName: {{ . }}
{{- end }}
{{- with $values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
affinity:
  {{- if $values.affinity }}
  {{- toYaml $values.affinity | nindent 2 }}
  {{- else }}
  # Of nodes without a zone the scheduler leaves out the whole spread below, that over nodes too.
  podAntiAffinity:
    preferredDuringSchedulingIgnoredDuringExecution:
      - weight: 100
        podAffinityTerm:
          topologyKey: kubernetes.io/hostname
          labelSelector:
            matchLabels:
              {{- include "scaler.app.selector" $ | nindent 14 }}
          matchLabelKeys: [pod-template-hash]
  {{- end }}
topologySpreadConstraints:
  {{- if $values.topologySpreadConstraints }}
  {{- toYaml $values.topologySpreadConstraints | nindent 2 }}
  {{- else }}
  {{- range $key := list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
  - topologyKey: {{ $key }}
    maxSkew: 1
    # A cluster of one node, or of nodes without zones, runs it too.
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "scaler.app.selector" $ | nindent 8 }}
    # Only pods of this rollout: those of an older one do not count.
    matchLabelKeys: [pod-template-hash]
  {{- end }}
  {{- end }}
{{- end -}}

{{- /* The container of an app, but for its name, ports and arguments. */ -}}
{{- define "scaler.container.rest" -}}
{{- $values := index .root.Values .app -}}
image: {{ include "scaler.image" . | quote }}
imagePullPolicy: {{ .root.Values.images.pullPolicy }}
securityContext:
  {{- include "scaler.container.security" . | nindent 2 }}
resources:
  {{- toYaml $values.resources | nindent 2 }}
# A replica that cannot reach the API server is not ready; one that does not answer at all is started again. A loop that
# turns for ever ends the process itself after `--loop-limit` of CPU time; the liveness probe is for a process that waits for
# ever without using any. It has long patience, for a machine that pauses, and a short grace, since such a process ignores SIGTERM.
startupProbe:
  httpGet: { path: /healthz, port: infra }
  periodSeconds: 1
  failureThreshold: 60
livenessProbe:
  httpGet: { path: /healthz, port: infra }
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
  terminationGracePeriodSeconds: 5
readinessProbe:
  httpGet: { path: /readyz, port: infra }
  periodSeconds: 2
  timeoutSeconds: 2
  failureThreshold: 3
{{- end -}}

{{- /* The token that both apps share. */ -}}
{{- define "scaler.control.secret" -}}
{{- .Values.control.tokenSecret | default (printf "%s-control" (include "scaler.fullname" .)) -}}
{{- end -}}

{{- define "scaler.control.volume" -}}
- name: control
  secret:
    secretName: {{ include "scaler.control.secret" . }}
    items: [{ key: token, path: token }]
{{- end -}}

{{- define "scaler.control.mount" -}}
- { name: control, mountPath: /etc/scaler-control, readOnly: true }
{{- end -}}

{{- define "scaler.plugins.volume" -}}
{{- with .root.Values.scaler.pluginVolume }}
- name: plugins
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with (index .root.Values .app).extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "scaler.plugins.mount" -}}
{{- if .root.Values.scaler.pluginVolume }}
- { name: plugins, mountPath: /plugins, readOnly: true }
{{- end }}
{{- with (index .root.Values .app).extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "scaler.metricsSources" -}}
{{- $sources := default "custom-metrics" .Values.autoscaler.settings.metricsSource -}}
{{- if kindIs "slice" $sources -}}{{ join "," $sources }}{{- else -}}{{ $sources }}{{- end -}}
{{- end -}}

{{- define "scaler.portRange" -}}
{{- .Values.scaler.options.portRange | default "20000-29999" -}}
{{- end -}}

{{- /* The namespace of `helm test`, which has to be managed. */ -}}
{{- define "scaler.test.namespace" -}}
{{- if eq .Values.scope.type "namespaces" -}}{{ first .Values.scope.namespaces }}{{- else -}}{{ .Release.Namespace }}{{- end -}}
{{- end -}}

{{- /* The kinds of the scaler's option `kinds`, as JSON: {group, version, plural, inPlace}. */}}
{{- define "scaler.kinds" -}}
{{- $kinds := list }}
{{- range splitList "," (toString (default "" .Values.scaler.options.kinds)) }}
{{- $one := trim . }}
{{- if $one }}
{{- if not (regexMatch "^[a-z0-9.-]+/v[a-z0-9]+/[a-z0-9.-]+(=(/[^/=]+)+)?$" $one) }}
{{- fail (printf "scaler.options.kinds has %q, allowed is group/version/plural such as argoproj.io/v1alpha1/rollouts, with =/path/of/replicas where those are written in place" $one) }}
{{- end }}
{{- $named := splitList "/" (first (splitList "=" $one)) }}
{{- $kinds = append $kinds (dict "group" (index $named 0) "version" (index $named 1) "plural" (index $named 2) "inPlace" (contains "=" $one)) }}
{{- end }}
{{- end }}
{{- toJson $kinds }}
{{- end -}}

{{- /* Rules of an admission policy for these kinds. Takes root and operations. */}}
{{- define "scaler.kinds.admitted" -}}
{{- range $i, $kind := fromJsonArray (include "scaler.kinds" .root) }}
{{- if $i }}{{ "\n" }}{{ end -}}
- apiGroups: [{{ $kind.group }}]
  apiVersions: [{{ $kind.version }}]
  resources: [{{ $kind.plural }}]
  operations: {{ toJson $.operations }}
{{- end }}
{{- end -}}
