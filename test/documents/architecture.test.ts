import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { filesOf, ROOT } from './markdown.ts'

const text = await readFile(`${ROOT}ARCHITECTURE.md`, 'utf8')
const section = (text.split('## Where to find what\n')[1] ?? '').split('\n## ')[0] ?? ''
const rows = [...section.matchAll(/^\| (.+?) \| (.+) \|$/gm)].map(([, theirs, ours]) => ({
  theirs: theirs as string,
  ours: ours as string
}))

/** What the documents of the original name. */
const NAMES = `
  P2P Builder, P2P Server, Discovery Event Loop, State Sync Event Loop, Transaction Verifier, Thread Safety, Epoch Boundary Handling, Node Module, Authority Module, Consensus Module,
  StateSync, StateSyncConfig, StateSyncEventLoop, StateSyncMessage, StateSyncStore, PeerEvent, PeerHeights, PeerState, PeerStateSyncInfo, PeerBalancer, SignedBlockVerifier, TxVerifier, TxManager,
  WriteStore, CommitStore, CommitExecutor, CommittedSubDag, TrustedCommit, VerifiedBlock, BlockRef, CommitIndex, CommitDigest, BroadcastChannel, JoinSet, SomaError, NetworkError, ValidationError,
  InvalidResponse, DataTooLarge, InternalError, GetKnownPeers, GetCommitAvailability, FetchCommits, FetchBlocks, PushCommit,
  handle_tick, handle_message, handle_peer_event, handle_task_result, handle_commit_synced, maybe_start_sync_task, next_task_id, spawn_peer_query_task, spawn_sync_task, spawn_push_commit_task,
  query_peer_for_latest_info, peer_height_query_interval, get_commit_availability, get_peers_for_sync, is_peer_behind, requested_commit, sync_from_peers, sync_commits_in_range, sync_commits_batch,
  fetch_and_verify_commits, fetch_commits, verify_commit_certification, certifier_blocks, fetch_blocks_batch, fetch_blocks, deserialize_block, block_verifier, tx_verifier,
  process_verified_commits, build_committed_sub_dag, insert_commit, update_highest_synced_commit, highest_synced_commit, lowest_available_commit, get_committee, get_current_epoch,
  get_last_commit_index_of_epoch, last_commit_of_epoch, push_commit, broadcast_sender, broadcast_receiver, peer_event_receiver, synced_commit_broadcast_channel_capacity,
  MAX_COMMITS_PER_FETCH, MAX_BLOCKS_PER_FETCH, MAX_FETCH_RESPONSE_BYTES, MAX_TOTAL_FETCHED_BYTES`
  .split(/,\s*/)
  .map((name) => name.trim())

test('every name of the original has its place in the house', () => {
  const lost = NAMES.filter((name) => !rows.some(({ theirs }) => new RegExp(`(^|\\W)${name}(\\W|$)`).test(theirs)))
  assert.deepEqual(lost, [])
})

test('every place is named by the path of a file or room', () => {
  const vague = rows
    .slice(1)
    .filter(({ theirs, ours }) => !theirs.startsWith('---') && !/`[\w./-]+(\.\w+|\/)`/.test(ours))
  assert.deepEqual(vague, [])
})

test('the rooms that are drawn are those that there are', async () => {
  const drawing = (text.split('```\n')[1] ?? '').split('```')[0] ?? ''
  const rooms = (await readdir(`${ROOT}src`, { withFileTypes: true })).filter((entry) => entry.isDirectory())
  for (const { name } of rooms) assert.match(drawing, new RegExp(`(^|\\s)${name}(\\s|$)`, 'm'), name)
})

/** Rooms of one line know nothing of each other. */
const FLOORS = [
  ['runtime'],
  ['consensus'],
  ['verify', 'storage'],
  ['rpc', 'delivery'],
  ['peers'],
  ['discovery', 'state-sync'],
  ['node'],
  ['operator'],
  ['testing']
]

test('a room imports from those below it only', async () => {
  const floorOf = (room: string) => FLOORS.findIndex((rooms) => rooms.includes(room))
  const rooms = (await readdir(`${ROOT}src`, { withFileTypes: true })).filter((entry) => entry.isDirectory())
  assert.deepEqual(rooms.map(({ name }) => name).sort(), FLOORS.flat().sort())
  const upward: string[] = []
  let imports = 0
  for (const path of await filesOf('src/*/**/*.ts')) {
    const room = path.split('/')[1] ?? ''
    const source = await readFile(`${ROOT}${path}`, 'utf8')
    for (const [, target = ''] of source.matchAll(/\bfrom '(\.{1,2}\/[^']+)'/g)) {
      const other = join(path, '..', target).split('/')[1] ?? ''
      imports += 1
      if (other !== room && floorOf(other) >= floorOf(room)) upward.push(`${path} imports ${target}`)
    }
  }
  assert.ok(imports > 1_000)
  assert.deepEqual(upward, [])
})
