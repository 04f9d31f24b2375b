// The part of a Deployment that the controller reads: a cluster has thousands of Deployments, and most of them are nobody's function. Pure.
import type { Resource } from '../../core/contract/kubernetes-client.ts';
import { isMapping, valueAt } from '../../core/contract/path.ts';
import { annotationPrefix } from '../../core/resources/schema/trigger-schema.ts';

export function onlyDeclared(deployment: Resource): Resource {
  const { apiVersion, kind, metadata, spec, status } = deployment;
  const { annotations: _all, ...rest } = metadata;
  const { replicas, paused, selector } = (spec ?? {}) as Record<string, unknown>;
  const inTemplate = ownAnnotations(valueAt(spec, ['template', 'metadata', 'annotations']));
  return {
    apiVersion,
    kind,
    metadata: { ...rest, annotations: ownAnnotations(metadata.annotations) },
    spec: { replicas, paused, selector, template: { metadata: { annotations: inTemplate } } },
    status,
  };
}

function ownAnnotations(annotations: unknown): Record<string, string> {
  const entries = isMapping(annotations) ? Object.entries(annotations) : [];
  return Object.fromEntries(entries.filter(([name]) => name.startsWith(annotationPrefix))) as Record<
    string,
    string
  >;
}
