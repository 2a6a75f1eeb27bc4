// Post half: save under the key computed at restore time, unless it was an exact hit.
import * as cache from '@actions/cache';
import * as core from '@actions/core';

import { lines, sameKey } from './common.mjs';

try {
  const key = core.getState('CACHE_KEY');
  const found = core.getState('CACHE_RESULT');
  if (found !== '' && sameKey(found, key)) {
    core.info(`Cache hit occurred on the primary key ${key}, not saving cache.`);
  } else if ((await cache.saveCache(lines('path'), key)) !== -1) {
    core.info(`Cache saved with key: ${key}`);
  }
} catch (error) {
  // A cache that cannot be saved is no reason to fail a job.
  core.info(`[warning]${error.message}`);
}
process.exit();
