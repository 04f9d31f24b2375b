// Pods as the demo makes them: of the image of the installation, as the restricted Pod Security Standard wants them. Pure.
import { deploymentKind, podKind } from '../../../core/resources/kinds.ts';
import type { Resource } from '../../../core/contract/kubernetes-client.ts';
import type { Installation } from './installation.ts';

/** On every pod: the name of the function, or `feed`. */
export const appLabel = 'app';
export const feedApp = 'feed';
export const packedMap = 'earthquakes';
export const packedKey = 'earthquakes.gz';
const packedFolder = '/etc/millrace-demo';
export const packedPath = `${packedFolder}/${packedKey}`;

/** Below the image's /app, so that `cloudevents` is found in its node_modules, and its package.json makes of the code a module. */
const codeFolder = '/app/functions';

/** A function takes requests for so long after its end was asked for: who sends learns of it later. */
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

/** `deployment` as its manifest has it, but for what its pods run: `file`, which is in the ConfigMap `codeMap`. */
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
    // Asleep from the beginning: it is KEDA who wakes it.
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
