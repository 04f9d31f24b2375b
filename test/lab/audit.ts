// Records the writes to an API server for the search for secrets (.build/outputs): requests and answers, except of resources that are meant to
// hold secrets, and except the writes of Kubernetes itself.

import { writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';

const policy = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived', 'ResponseStarted'],
  rules: [
    { level: 'None', verbs: ['get', 'list', 'watch'] },
    {
      level: 'None',
      userGroups: ['system:nodes', 'system:serviceaccounts:kube-system'],
    },
    {
      level: 'None',
      users: ['system:apiserver', 'system:kube-controller-manager', 'system:kube-scheduler'],
    },
    {
      level: 'Metadata',
      resources: [
        { group: '', resources: ['secrets', 'serviceaccounts/token'] },
        { group: 'authentication.k8s.io', resources: ['tokenreviews'] },
      ],
    },
    { level: 'RequestResponse' },
  ],
};

/** The audit arguments of the API server of `dir`. The file in `auditDir` outlives it. */
export async function auditArguments(dir: string, auditDir: string): Promise<string[]> {
  const path = join(dir, 'audit-policy.json');
  await writeFile(path, JSON.stringify(policy));
  return [
    `--audit-policy-file=${path}`,
    `--audit-log-path=${join(auditDir, `kubernetes.${basename(dir)}.audit`)}`,
  ];
}
