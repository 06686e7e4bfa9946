package RT::Shared;

# Parts of conversations that stand in more than one test.

use strict;
use warnings;

# the API's history: forward, backward, since, the position only
our $HISTORY = <<'_EOC_';
api: 5 x POST /api/publish {"channel":"kept:x","data":{"n":{{$i}}.0},"tags":{"k":"{{$i}}"}}
api: 5 x 200 {"result":{"offset":{{$i}},"epoch":"*e"}}
api: POST /api/history {"channel":"kept:x"}
api: 200 {"result":{"publications":[],"epoch":"{{kept("e")}}","offset":5}}
api: POST /api/history {"channel":"kept:x","limit":2}
api: 200 {"result":{"publications":[{"data":{"n":1.0},"offset":1,"tags":{"k":"1"}},{"data":{"n":2.0},"offset":2,"tags":{"k":"2"}}],"epoch":"{{kept("e")}}","offset":5}}
api: POST /api/history {"channel":"kept:x","limit":-1,"since":{"offset":3,"epoch":"{{kept("e")}}"}}
api: 200 {"result":{"publications":[{"data":{"n":4.0},...},{"data":{"n":5.0},...}],"epoch":"*","offset":5}}
api: POST /api/history {"channel":"kept:x","limit":2,"reverse":true}
api: 200 {"result":{"publications":[{"data":{"n":5.0},...},{"data":{"n":4.0},...}],"epoch":"*","offset":5}}
api: POST /api/history {"channel":"kept:x","limit":9,"reverse":true,"since":{"offset":3}}
api: 200 {"result":{"publications":[{"data":{"n":2.0},...},{"data":{"n":1.0},...}],"epoch":"*","offset":5}}
api: POST /api/history {"channel":"kept:x","limit":9,"since":{"offset":5,"epoch":"{{kept("e")}}"}}
api: 200 {"result":{"publications":[],"epoch":"*","offset":5}}
api: POST /api/history {"channel":"kept:x","limit":9,"since":{"offset":18446744073709551615}}
api: 200 {"result":{"publications":[],"epoch":"*","offset":5}}
_EOC_


1;
