const steps: Readonly<Record<string, string>> = {
  CONFIG_UNREADABLE: 'Name an existing YAML or JSON file with --config.',
  FILE_EXISTS: 'Choose another name with --out, or move the old file away.',
  KEY_FILE_EXISTS: 'Choose another name with --out, or move the old key away: a lost key cannot be had back.',
  KEY_FILE_UNREADABLE: 'Make one with "soma-p2p keygen".',
  KEY_FILE_UNWRITABLE: 'See that this user may write there and that the disk has room.',
  KEY_FILE_INVALID: 'Name the file with the secrets that "soma-p2p keygen" wrote.',
  KEY_FILE_EXPOSED: 'Take the others\' rights away with "chmod 600".',
  GENESIS_INVALID: 'Name the file that "soma-p2p genesis" wrote.',
  CONTROL_NO_NODE: 'Start one with "soma-p2p node", or name its directory with --data-dir.',
  CONTROL_NODE_RUNNING:
    'Stop it first, or name another directory with --data-dir; "soma-p2p status" asks the running node.',
  CONTROL_PATH_TOO_LONG: 'Choose a shorter --data-dir, or run the command from within it.',
  CONTROL_TIMEOUT: 'The node is overloaded or stuck: see its log.',
  NODE_ENDED: 'The log above says why; run it again with --log-level debug to see more.',
  ENOSPC: 'Make room on the disk, and start again.',
  STORAGE_CORRUPTED: 'Check the disk first.',
  STORE_DAMAGED: 'Check the disk, then move the directory "chain" away and sync anew, or import a copy.',
  STORAGE_LOCKED: 'Stop the node that uses it first.',
  CHAIN_FILE_DAMAGED: 'Copy the file again from where it was exported.',
  CHAIN_FILE_REFUSED: 'Get the chain from somebody else; what is stored so far is certified and stays.',
  CHAIN_FILE_GAP: 'Import a file that begins earlier first, or sync to there.',
  CHAIN_FILE_COMMITTEE_AWAITED: 'Start the node, let it execute to there, stop it and import again.',
  CHAIN_FILE_WRONG_VERSION: 'Export it anew with this version.',
  CHAIN_FILE_WRONG_CHAIN: 'Name the genesis of that chain, or the file of this one.',
  SYNC_FORK: 'Keep both, and ask the operators of the chain: a quorum has certified two histories.',
  LEDGER_CORRUPTED: 'Check the disk first.',
  STORAGE_WRITE_FAILED: 'Make room on the disk; the node goes on from where it was.',
  LEDGER_WRITE_FAILED: 'Make room on the disk; the ledger goes on from where it was.',
  HTTP_LISTEN_FAILED: 'Choose another address with --http, or "off".',
  LISTEN_FAILED: 'Choose another address with --listen, or stop the process that has this one.'
}

/** What to do about an error, by its code; `undefined` where the message says so itself. */
export function nextStep(code: string): string | undefined {
  return steps[code]
}
