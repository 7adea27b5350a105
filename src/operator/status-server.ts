import { NODE_DEFAULTS } from '../node/node-config.ts'
import type { SomaNode } from '../node/soma-node.ts'
import { type Clock, systemClock } from '../runtime/clock.ts'
import { FreshValue } from './fresh-value.ts'
import { type HttpRoute, type HttpServer, json, startHttpServer } from './http-server.ts'
import { pageFiles } from './page-files.ts'
import { FRESH_MS, type StatusReport, StatusWatch } from './status-watch.ts'

/** A node's metrics, in a form that Prometheus reads. */
export interface MetricsText {
  text(): Promise<string>
  readonly contentType: string
}

/** What a status server is made from. Only `node` is required. */
export interface StatusServerInit {
  readonly node: Pick<SomaNode, 'status'>
  /** An address and a port. Port 0 takes a free one. On the loopback it answers only to names of the loopback. @default '127.0.0.1:0' */
  readonly listen?: string
  /** Answered at `/metrics`, made four times a second at most. @default nothing is there */
  readonly metrics?: MetricsText | undefined
  /** What is shown, where the embedder has more to tell than the node: its executor. @default the node's status */
  readonly report?: () => Promise<StatusReport>
  /** Milliseconds that the chain may wait before `/healthz` calls the node stuck: what the node's own configuration says. @default 10000 */
  readonly stuckMs?: number
  /** @default the machine's */
  readonly clock?: Clock
}

/**
 * Shows a node to its operator over HTTP: a page at `/`, `/status`, `/history` and `/healthz` in JSON (docs/status.md), and `/metrics`. Nothing can be changed
 * through it. To be stopped before the node is.
 *
 * ```ts
 * const page = await startStatusServer({ node, listen: '127.0.0.1:9100' })
 * console.log(page.url)
 * ```
 *
 * @throws {OperatorError} `HTTP_LISTEN_INVALID`, `HTTP_LISTEN_FAILED`
 */
export async function startStatusServer(init: StatusServerInit): Promise<HttpServer> {
  const { node, listen = '127.0.0.1:0', metrics, report = () => node.status(), clock = systemClock } = init
  const { stuckMs = NODE_DEFAULTS.stuckMs } = init
  const watch = new StatusWatch({ report, clock, stuckMs })
  const routes: [string, HttpRoute][] = [
    ['/status', async () => json(200, await watch.report())],
    ['/history', (query) => json(200, watch.history.since(Number(query.get('from') ?? 0)))],
    [
      '/healthz',
      async () => {
        const verdict = await watch.verdict()
        return json(verdict.isHealthy ? 200 : 503, verdict)
      }
    ]
  ]
  if (metrics !== undefined) {
    const { contentType } = metrics
    const text = new FreshValue(() => metrics.text(), clock, FRESH_MS) // some milliseconds of work
    routes.push(['/metrics', async () => ({ status: 200, contentType, body: await text.get() })])
  }
  const server = await startHttpServer({ listen, routes: new Map([...(await pageFiles('node.html')), ...routes]) })
  const looking = new AbortController()
  const looked = watch.run(looking.signal)
  return {
    url: server.url,
    async stop() {
      looking.abort()
      await Promise.all([server.stop(), looked])
    }
  }
}
