// The workload that `function.ref` names: a Deployment, or any other kind that has a scale subresource.
import { deploymentKind } from '../../core/resources/kinds.ts';
import type { Resource } from '../../core/contract/kubernetes-client.ts';
import { valueAt } from '../../core/contract/path.ts';
import type { FunctionTarget } from '../../core/contract/subscription.ts';
import { readLabelSelector, readSelectorText, type PodSelector } from './pod-selector.ts';

export type WorkloadRef = Extract<FunctionTarget, { kind: 'ref' }>;

/** What the controller knows of a workload. */
export interface Workload {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  /** Of its status. */
  readonly replicas: number;
  readonly selector: PodSelector;
  /** Only Deployments are watched, so that of other kinds nothing else is known. */
  readonly deployment?: Resource;
}

export type WorkloadReading =
  | { readonly kind: 'found'; readonly workload: Workload }
  | { readonly kind: 'missing' }
  /** The API server does not serve the kind. */
  | { readonly kind: 'kindMissing' }
  /** The kind has no scale subresource, or is not namespaced. */
  | { readonly kind: 'notScalable' }
  /** `message` names the missing right. */
  | { readonly kind: 'forbidden'; readonly message: string };

export function isRef(target: FunctionTarget): target is WorkloadRef {
  return target.kind === 'ref';
}

export function isDeployment(target: FunctionTarget): target is WorkloadRef {
  return (
    isRef(target) &&
    target.apiVersion === deploymentKind.apiVersion &&
    target.resource === deploymentKind.kind
  );
}

/** For messages: `StatefulSet mailer`. */
export function workloadName({ resource, name }: WorkloadRef): string {
  return `${resource} ${name}`;
}

export function workloadOfDeployment(deployment: Resource): Workload {
  const { apiVersion, kind, metadata } = deployment;
  return {
    apiVersion,
    kind,
    name: metadata.name,
    replicas: replicasOf(deployment),
    selector: readLabelSelector(valueAt(deployment, ['spec', 'selector'])),
    deployment,
  };
}

/** `scale` is of autoscaling/v1: https://kubernetes.io/docs/reference/kubernetes-api/autoscaling-resources/scale-v1/ */
export function workloadOfScale({ apiVersion, resource, name }: WorkloadRef, scale: Resource): Workload {
  const selector = readSelectorText(valueAt(scale, ['status', 'selector']));
  return { apiVersion, kind: resource, name, replicas: replicasOf(scale), selector };
}

function replicasOf(resource: Resource): number {
  const replicas = valueAt(resource, ['status', 'replicas']);
  return typeof replicas === 'number' ? replicas : 0;
}
