// The kinds of resources that Millrace reads and writes in a cluster. They are namespaced unless a comment says otherwise.
import { apiVersion } from './schema/trigger-schema.ts';

export const triggerKind = { apiVersion, kind: 'Trigger', plural: 'triggers' } as const;
export const kafkaClusterKind = { apiVersion, kind: 'KafkaCluster', plural: 'kafkaclusters' } as const;

export const deploymentKind = { apiVersion: 'apps/v1', kind: 'Deployment', plural: 'deployments' } as const;
export const serviceKind = { apiVersion: 'v1', kind: 'Service', plural: 'services' } as const;
export const podKind = { apiVersion: 'v1', kind: 'Pod', plural: 'pods' } as const;
export const configMapKind = { apiVersion: 'v1', kind: 'ConfigMap', plural: 'configmaps' } as const;
export const secretKind = { apiVersion: 'v1', kind: 'Secret', plural: 'secrets' } as const;
export const serviceAccountKind = {
  apiVersion: 'v1',
  kind: 'ServiceAccount',
  plural: 'serviceaccounts',
} as const;
/** Not namespaced. */
export const namespaceKind = { apiVersion: 'v1', kind: 'Namespace', plural: 'namespaces' } as const;
export const eventKind = { apiVersion: 'events.k8s.io/v1', kind: 'Event', plural: 'events' } as const;
export const leaseKind = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', plural: 'leases' } as const;
export const endpointSliceKind = {
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  plural: 'endpointslices',
} as const;

/** Requests to authenticate a token, and to authorize its owner. Not namespaced, and not stored. */
export const tokenReviewKind = {
  apiVersion: 'authentication.k8s.io/v1',
  kind: 'TokenReview',
  plural: 'tokenreviews',
} as const;
export const subjectAccessReviewKind = {
  apiVersion: 'authorization.k8s.io/v1',
  kind: 'SubjectAccessReview',
  plural: 'subjectaccessreviews',
} as const;

export const scaledObjectKind = {
  apiVersion: 'keda.sh/v1alpha1',
  kind: 'ScaledObject',
  plural: 'scaledobjects',
} as const;
export const triggerAuthenticationKind = {
  apiVersion: 'keda.sh/v1alpha1',
  kind: 'TriggerAuthentication',
  plural: 'triggerauthentications',
} as const;
