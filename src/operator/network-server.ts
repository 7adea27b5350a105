import { type HttpRoute, type HttpServer, json, startHttpServer } from './http-server.ts'
import { type NetworkNode, NetworkWatch } from './network-watch.ts'
import { pageFiles } from './page-files.ts'

/** What a page of a network is made from. */
export interface NetworkServerInit {
  /** The nodes, as they are at present. Each has a status server of its own. */
  readonly nodes: () => readonly NetworkNode[]
  /** @default '127.0.0.1:0' */
  readonly listen?: string
}

/**
 * Shows a network on one page: who is connected to whom, and a row for each node, by what the nodes' own status servers tell. `GET /network` is the same in JSON.
 *
 * @throws {OperatorError} `HTTP_LISTEN_INVALID`, `HTTP_LISTEN_FAILED`
 */
export async function startNetworkServer({ nodes, listen = '127.0.0.1:0' }: NetworkServerInit): Promise<HttpServer> {
  const watch = new NetworkWatch(nodes)
  const routes: [string, HttpRoute][] = [['/network', async () => json(200, await watch.reports())]]
  const server = await startHttpServer({ listen, routes: new Map([...(await pageFiles('network.html')), ...routes]) })
  return {
    url: server.url,
    async stop() {
      await Promise.all([server.stop(), watch.stop()])
    }
  }
}
