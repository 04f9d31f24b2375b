// The demo's pods: they run the image of the installation, and comply with the restricted Pod Security Standard. Pure.
import { deploymentKind, podKind } from '../../../core/resources/kinds.ts';
import type { Resource } from '../../../core/contract/kubernetes-client.ts';
import type { Installation } from './installation.ts';

/** A label on every pod. Its value is the name of the function, or `feed`. */
export const appLabel = 'app';
export const feedApp = 'feed';
export const packedMap = 'earthquakes';
export const packedKey = 'earthquakes.gz';
const packedFolder = '/etc/millrace-demo';
export const packedPath = `${packedFolder}/${packedKey}`;

/** Below the image's /app, so that the code finds `cloudevents` in its node_modules and is a module by its package.json. */
const codeFolder = '/app/functions';

/** How long a function still accepts requests after it was asked to stop, because gateways learn of that later. */
const lingerMs = 3_000;

export interface PodPlace {
  readonly namespace: string;
  readonly installation: Installation;
}

/** Runs `millrace ARGS` once. */
export function feedPod(name: string, args: readonly string[], place: PodPlace): Resource {
  const { installation, namespace } = place;
  const container = {
    args: ['demo-feed', ...args],
    env: installation.env,
    volumeMounts: [{ name: 'files', mountPath: packedFolder, readOnly: true }],
    resources: { requests: { cpu: '50m', memory: '128Mi' }, limits: { memory: '256Mi' } },
  };
  return {
    apiVersion: podKind.apiVersion,
    kind: podKind.kind,
    metadata: { name, namespace, labels: { [appLabel]: feedApp } },
    spec: { restartPolicy: 'Never', ...podSpec(container, packedMap, place) },
  };
}

/** `deployment` as in its manifest, except that its pods run `file` from the ConfigMap `codeMap`. */
export function functionDeployment(
  deployment: Resource,
  { file, codeMap }: { readonly file: string; readonly codeMap: string },
  place: PodPlace,
): Resource {
  const { metadata } = deployment;
  const spec = deployment.spec as { template: { metadata?: object; spec: { containers: object[] } } };
  const container = {
    ...spec.template.spec.containers[0],
    command: ['node', `${codeFolder}/${file}`],
    env: [{ name: 'PORT', value: '8080' }],
    volumeMounts: [{ name: 'files', mountPath: codeFolder, readOnly: true }],
    readinessProbe: { tcpSocket: { port: 8080 }, periodSeconds: 1 },
    lifecycle: { preStop: { exec: { command: ['node', '-e', `setTimeout(() => {}, ${lingerMs})`] } } },
    resources: { requests: { cpu: '50m', memory: '64Mi' }, limits: { memory: '128Mi' } },
  };
  return {
    apiVersion: deploymentKind.apiVersion,
    kind: deploymentKind.kind,
    metadata,
    // Without replicas at first: KEDA starts them.
    spec: { ...spec, replicas: 0, template: { ...spec.template, spec: podSpec(container, codeMap, place) } },
  };
}

function podSpec(container: object, configMap: string, { installation }: PodPlace): object {
  const { image, imagePullPolicy, imagePullSecrets, placement } = installation;
  return {
    ...placement,
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    terminationGracePeriodSeconds: 20,
    securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
    imagePullSecrets,
    containers: [
      {
        name: 'main',
        ...container,
        image,
        ...(imagePullPolicy === undefined ? {} : { imagePullPolicy }),
        securityContext: {
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        },
      },
    ],
    volumes: [{ name: 'files', configMap: { name: configMap, optional: configMap === packedMap } }],
  };
}
