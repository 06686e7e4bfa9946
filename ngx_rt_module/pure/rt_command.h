
/*
 * The client protocol as values: what a client may say, what it is answered,
 * what it is pushed; and the interface of a codec, which turns them into bytes
 * and back.  The protocol is Centrifuge's, version 2.
 */


#ifndef _RT_COMMAND_H_INCLUDED_
#define _RT_COMMAND_H_INCLUDED_


#include "rt_base.h"


typedef enum {
    RT_METHOD_NONE = 0,           /* an empty object: a pong */
    RT_METHOD_CONNECT,
    RT_METHOD_SUBSCRIBE,
    RT_METHOD_UNSUBSCRIBE,
    RT_METHOD_PUBLISH,
    RT_METHOD_PRESENCE,
    RT_METHOD_PRESENCE_STATS,
    RT_METHOD_HISTORY,
    RT_METHOD_PING,
    RT_METHOD_SEND,
    RT_METHOD_RPC,
    RT_METHOD_REFRESH,
    RT_METHOD_SUB_REFRESH,
    RT_METHOD_UNKNOWN             /* a member that is no method of ours */
} rt_method_t;


/* of a subscription: what cannot be recovered is an error, and no success */
#define RT_FLAG_REJECT_UNRECOVERED  2


/* what a client says that it has of a channel */
typedef struct {
    bool            recover;      /* it wants what it missed */
    uint64_t        offset;
    rt_str_t        epoch;        /* empty: it does not say */
} rt_since_t;


/* the same of one of the channels that the server subscribed it to */
typedef struct {
    rt_str_t        channel;
    rt_since_t      since;
} rt_position_t;


/* spans of the message, decoded in place where they are strings */
typedef struct {
    uint32_t        id;
    rt_method_t     method;
    rt_str_t        channel;
    rt_str_t        token;
    rt_str_t        data;         /* raw: a JSON value, CR and LF made spaces */
    rt_str_t        name;         /* of the client, at connect */
    rt_str_t        version;
    rt_str_t        rpc;          /* the method of an rpc */
    rt_str_t        resume;       /* of connect's headers, "rt-resume": a proof;
                                     empty: a first one is asked for */
    rt_str_t        subs;         /* of connect, raw: for the codec */
    bool            since;        /* of history: it is there */
    rt_since_t      from;         /* of subscribe, or history's since */
    int64_t         limit;        /* of history; less than 0: all */
    bool            reverse;
    bool            positioned;
    bool            recoverable;
    bool            join_leave;
    uint32_t        type;         /* of a subscription, 0: a stream */
    uint32_t        flag;         /* the same: RT_FLAG_... */
    rt_str_t        filter;       /* the same, of tags: empty: none */
    bool            deep;         /* data or subs, left out, is nested too
                                     deep: answer 107, go on */
} rt_command_t;


typedef enum {
    RT_PARSE_OK = 0,              /* a command is there */
    RT_PARSE_DONE,                /* the message is at its end */
    RT_PARSE_BAD                  /* no command of the protocol: close 3501 */
} rt_parse_t;


/*
 * A bounded writer.  What does not fit is counted, not written: if
 * `need` > end - start after all is said, give it so much and say it again.
 */
typedef struct {
    uint8_t        *start;
    uint8_t        *pos;
    uint8_t        *end;
    size_t          need;
} rt_out_t;


void rt_out_init(rt_out_t *o, uint8_t *mem, size_t size);
void rt_out_bytes(rt_out_t *o, const void *p, size_t len);
void rt_out_uint(rt_out_t *o, uint64_t n);
void rt_out_int(rt_out_t *o, int64_t n);

#define rt_out_lit(o, s)  rt_out_bytes(o, s, sizeof(s) - 1)

/* a JSON string with its quotes */
void rt_out_json_string(rt_out_t *o, const uint8_t *p, size_t len);

static inline bool
rt_out_fits(const rt_out_t *o)
{
    return o->need <= (size_t) (o->end - o->start);
}


typedef struct {
    uint32_t        code;
    rt_str_t        message;
    bool            temporary;
} rt_error_t;


/* who a client is, as others are told */
typedef struct {
    rt_str_t        user;         /* empty: anonymous */
    rt_str_t        client;       /* the session's id; empty: nobody */
    rt_str_t        conn_info;    /* raw, empty: not said */
    rt_str_t        chan_info;    /* the same, in the channel */
} rt_client_info_t;


typedef struct {
    rt_str_t        data;         /* raw, always there */
    rt_client_info_t info;        /* nobody: not said */
    rt_str_t        tags;         /* raw object of strings, NULL: not said */
    uint64_t        offset;       /* 0: not said */
} rt_publication_t;


/* where a channel's history is, for one who reads it or subscribes */
typedef struct {
    rt_str_t        epoch;        /* empty: there is none, nothing is said */
    uint64_t        offset;
    bool            recovered;    /* of a subscription that recovers */
    bool            was_recovering;
    const rt_publication_t *publications;
    size_t          npublications;
} rt_stream_t;


/* a subscription that the server began, as connect's reply tells it */
typedef struct {
    rt_str_t        channel;
    rt_str_t        data;         /* raw, NULL: not said */
    rt_stream_t     stream;
} rt_reply_sub_t;


typedef struct {
    uint32_t        id;           /* the command's */
    rt_method_t     method;       /* the command's */
    const rt_error_t *error;      /* if there, nothing below is looked at */

    /* connect */
    rt_str_t        client;
    rt_str_t        version;
    uint32_t        ping;         /* seconds, 0: not said */
    bool            pong;
    rt_str_t        session;      /* the proof; in data as "rt_session", too,
                                     if that is an object or not said */
    rt_str_t        node;
    const rt_reply_sub_t *subs;
    size_t          nsubs;

    /* connect, subscribe, refresh, sub_refresh */
    uint32_t        ttl;          /* seconds, 0: it does not expire */

    /* connect, rpc, subscribe: raw, NULL: not said */
    rt_str_t        data;

    /* presence */
    const rt_client_info_t *present;
    size_t          npresent;

    /* presence_stats */
    uint64_t        clients;
    uint64_t        users;

    /* subscribe, history */
    rt_stream_t     stream;
} rt_reply_t;


typedef enum {
    RT_PUSH_JOIN = 0,
    RT_PUSH_LEAVE,
    RT_PUSH_SUBSCRIBE,
    RT_PUSH_UNSUBSCRIBE,
    RT_PUSH_MESSAGE,
    RT_PUSH_DISCONNECT
} rt_push_kind_t;


/* what a client is told without having asked, but for publications */
typedef struct {
    rt_push_kind_t  kind;
    rt_str_t        channel;      /* but for message and disconnect */
    rt_client_info_t info;        /* of join and leave */
    rt_str_t        data;         /* of message; of subscribe, NULL: not said */
    uint32_t        code;         /* of unsubscribe and disconnect */
    rt_str_t        reason;       /* the same */
    rt_stream_t     stream;       /* of subscribe */
} rt_push_t;


typedef struct {
    const char     *name;
    bool            binary;       /* the opcode of its messages */

    /*
     * The next command of [*pos, end), which is changed in the parsing.
     * An empty message is BAD.  A member that is null is as if absent.
     */
    rt_parse_t    (*parse)(uint8_t **pos, uint8_t *end, bool first,
                           rt_command_t *cmd);

    /*
     * A command's subs, which are changed in the parsing, into *n positions,
     * up to max; what is beyond is passed over.  false: BAD.
     */
    bool          (*positions)(const rt_str_t *subs, rt_position_t *list,
                               size_t max, size_t *n);

    /*
     * Of a method that has one, or an error.  Raw values, here and below, are
     * JSON without raw CR and LF (rt_json_flatten).
     */
    void          (*reply)(rt_out_t *o, const rt_reply_t *reply);
    void          (*push)(rt_out_t *o, const rt_push_t *push);
    void          (*ping)(rt_out_t *o);

    /*
     * A publication push in two parts: the head depends on the channel alone
     * and is made once per channel; what follows it takes publication_len
     * bytes and is written to p, which has the room.  Returns the byte after.
     */
    void          (*push_head)(rt_out_t *o, const rt_str_t *channel);
    size_t        (*publication_len)(const rt_publication_t *pub);
    uint8_t      *(*publication)(uint8_t *p, const rt_publication_t *pub);

} rt_codec_t;


extern const rt_codec_t  rt_codec_json;

/* [{"data":..,"offset":..},...] */
void rt_codec_json_publications(rt_out_t *o, const rt_publication_t *pubs,
    size_t n);

/* {"user":"USER","client":"ID",...} */
void rt_codec_json_client_info(rt_out_t *o, const rt_client_info_t *info);

/* {"ID":{"user":"USER","client":"ID"},...}: for JSON that is not a message */
void rt_codec_json_present(rt_out_t *o, const rt_client_info_t *list,
    size_t n);


#endif /* _RT_COMMAND_H_INCLUDED_ */
