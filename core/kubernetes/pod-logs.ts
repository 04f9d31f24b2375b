// Follows the logs of pods over HTTP: implements PodLogs of core/contract/kubernetes-client.ts.
import { MillraceError } from '../contract/errors.ts';
import { podKind } from '../resources/kinds.ts';
import type { PodLogs } from '../contract/kubernetes-client.ts';
import type { Connection } from './api-connection.ts';
import { readLines } from './lines.ts';
import { Requests } from './api-requests.ts';

/** The caller closes the connection. */
export function createPodLogs(connection: Connection): PodLogs {
  const requests = new Requests(connection);
  return {
    async *follow(namespace, pod, signal) {
      const place = { ...podKind, namespace, name: pod, subresource: 'log' };
      try {
        yield* readLines(await requests.stream({ verb: 'get', place, query: { follow: 'true' } }, signal));
      } catch (cause) {
        if (signal.aborted) return;
        if (cause instanceof MillraceError) throw cause;
        const message = `the log of the pod ${namespace}/${pod} broke off`;
        throw new MillraceError('MILLRACE_KUBERNETES_UNREACHABLE', message, { cause });
      }
    },
  };
}
