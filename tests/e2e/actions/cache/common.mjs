// What both halves of the stand-in share: inputs read as actions/cache reads them.
import * as core from '@actions/core';

export const lines = (name) =>
  core.getInput(name).split('\n').map((line) => line.trim()).filter((line) => line !== '');

// actions/cache compares keys without regard to case.
export const sameKey = (a, b) => a.localeCompare(b, undefined, { sensitivity: 'accent' }) === 0;
