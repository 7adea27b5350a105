import type { PeerId } from '@libp2p/interface'
import type { Rpc } from '../rpc/rpc.ts'
import type { CommitServer } from './commit-server.ts'
import type { PushCommitRequest } from './messages.ts'
import * as protocols from './protocols.ts'

/** Answers the requests of peers. @param onPushed called for each commit that a peer says it has */
export function serveCommits(
  rpc: Rpc,
  server: CommitServer,
  onPushed: (peer: PeerId, push: PushCommitRequest) => void
): void {
  rpc.handle(protocols.getCommitAvailability, () => server.availability())
  rpc.handle(protocols.getCommitInfo, (request) => server.commitInfo(request))
  rpc.handle(protocols.fetchCommits, (request, { signal }) => server.fetchCommits(request, signal))
  rpc.handle(protocols.fetchBlocks, (request, { signal }) => server.fetchBlocks(request, signal))
  rpc.handle(protocols.pushCommit, async (push, { peer }) => {
    onPushed(peer, push)
    return {}
  })
}
