#!/bin/sh
# A tester of weir-reduce: exit code 1 where valid IR still shows the bug (here: a reversed sum).
! weir-opt "$1" 2>/dev/null | grep -q 'reverse = 1'
