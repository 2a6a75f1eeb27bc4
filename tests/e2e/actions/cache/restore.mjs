// Main half: restore, log and set outputs as actions/cache does.
import * as cache from '@actions/cache';
import * as core from '@actions/core';

import { lines, sameKey } from './common.mjs';

try {
  const key = core.getInput('key', { required: true });
  const restoreKeys = lines('restore-keys');
  const lookupOnly = core.getBooleanInput('lookup-only');
  core.saveState('CACHE_KEY', key);
  const found = await cache.restoreCache(lines('path'), key, restoreKeys, { lookupOnly });
  if (found === undefined) {
    if (core.getBooleanInput('fail-on-cache-miss')) {
      throw new Error(`Failed to restore cache entry. Exiting as fail-on-cache-miss is set. Input key: ${key}`);
    }
    core.info(`Cache not found for input keys: ${[key, ...restoreKeys].join(', ')}`);
  } else {
    core.saveState('CACHE_RESULT', found);
    core.setOutput('cache-hit', String(sameKey(found, key)));
    core.info(lookupOnly ? `Cache found and can be restored from key: ${found}` : `Cache restored from key: ${found}`);
  }
} catch (error) {
  core.setFailed(error.message);
}
// The library keeps connections open; actions/cache ends the process too.
process.exit();
